import { useState } from 'preact/hooks';
import type { Atlas } from '../atlas/atlas.ts';
import { writeSafetensors } from '../atlas/write.ts';
import { messageOf, opened } from '../state/sets.ts';

/** Hands a file to the browser to keep. */
function save(bytes: BlobPart, name: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function nameFor({ manifest }: Atlas, what: string): string {
  return `${manifest.title.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'archetypal'}-${what}.safetensors`;
}

async function model(atlas: Atlas): Promise<void> {
  save(await atlas.files.get(atlas.manifest.files.model ?? 'sae.safetensors'), nameFor(atlas, 'sae'));
}

/** All codes, sparse: indptr, indices, values. */
async function codes(atlas: Atlas): Promise<void> {
  const { indptr, indices, values } = await atlas.codes(0, atlas.manifest.rows);
  const tensors = {
    indptr: { shape: [indptr.length], values: indptr },
    indices: { shape: [indices.length], values: indices },
    values: { shape: [values.length], values },
  };
  save(writeSafetensors(tensors, { shape: `[${atlas.manifest.rows}, ${atlas.manifest.concepts}]` }), nameFor(atlas, 'codes'));
}

/** Takes the model and its codes home. */
export function Downloads() {
  const [failure, setFailure] = useState('');
  if (opened.value.status !== 'ready') return null;
  const { atlas } = opened.value;
  const run = (act: (atlas: Atlas) => Promise<void>) => () => {
    setFailure('');
    act(atlas).catch((error: unknown) => setFailure(messageOf(error)));
  };
  const close = (event: KeyboardEvent) => {
    if (event.key === 'Escape') (event.currentTarget as HTMLDetailsElement).open = false;
  };
  return (
    <details class="downloads" onKeyDown={close}>
      <summary class="button quiet">Download</summary>
      <div class="menu">
        {(atlas.manifest.files.model || !atlas.files.shareable) && (
          <button type="button" class="quiet" onClick={run(model)}>
            Model
            <span class="note">.safetensors, as the command and Python read it</span>
          </button>
        )}
        <button type="button" class="quiet" onClick={run(codes)}>
          Codes of all rows
          <span class="note">.safetensors, sparse: indptr, indices, values</span>
        </button>
        {failure && (
          <p class="error" role="alert">
            {failure}
          </p>
        )}
      </div>
    </details>
  );
}
