import { curves } from '../../state/curves.ts';
import { go, linkTo, route } from '../../state/route.ts';
import { made, phase } from '../../state/training.ts';
import { percent } from '../../ui/text.ts';

/** Says in the header that training goes on while one looks elsewhere. */
export function TrainingBadge() {
  const view = phase.value === 'comparing' ? 'stability' : 'train';
  if (route.value.view === view) return null;
  if (phase.value === 'idle' && (!made.value || route.value.set === made.value.id)) return null;
  const { steps, of } = curves.value;
  const words = phase.value === 'idle' ? 'Trained model ready' : phase.value === 'paused' ? 'Paused' : phase.value === 'comparing' ? 'Comparing' : 'Training';
  return (
    <a
      class="badge"
      href={linkTo({ view })}
      onClick={(event) => {
        event.preventDefault();
        go({ view });
      }}
    >
      {phase.value !== 'idle' && phase.value !== 'paused' && <span class="spinner" aria-hidden="true" />} {words}
      {phase.value === 'training' && of > 0 && steps.length > 0 && ` ${percent((steps[steps.length - 1] + 1) / of)}`}
    </a>
  );
}
