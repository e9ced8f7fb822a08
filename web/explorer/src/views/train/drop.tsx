import { useEffect, useState } from 'preact/hooks';
import { go } from '../../state/route.ts';
import { busy, takeFiles } from '../../state/training.ts';

/** Takes files that are dropped anywhere on the page. */
export function DropTarget() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const carries = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (!carries(event)) return;
      depth++;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!carries(event)) return;
      depth--;
      if (depth <= 0) setOver(false);
    };
    const allow = (event: DragEvent) => {
      if (carries(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!carries(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (!files.length || busy.value) return;
      go({ view: 'train' });
      void takeFiles(files);
    };
    addEventListener('dragenter', enter);
    addEventListener('dragleave', leave);
    addEventListener('dragover', allow);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragenter', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('dragover', allow);
      removeEventListener('drop', drop);
    };
  }, []);
  if (!over) return null;
  return (
    <div class="drop" aria-hidden="true">
      <p>
        {busy.value ? (
          'Training is under way: stop it first.'
        ) : (
          <>
            Drop your files
            <br />
            <span>activations as .npy or .safetensors · examples as .jsonl · pictures</span>
          </>
        )}
      </p>
    </div>
  );
}
