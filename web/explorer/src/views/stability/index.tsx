import { compareSeeds, phase, progress, stability, stop } from '../../state/training.ts';
import { percent } from '../../ui/text.ts';
import { Notice } from '../../ui/notice.tsx';
import { DataChoice } from '../train/data.tsx';
import { DeviceLine, FailureBox } from '../train/index.tsx';
import { SettingsForm } from '../train/settings.tsx';
import { Agreements } from './agreements.tsx';
import { Pairs } from './pairs.tsx';

/** Whether another seed finds the same concepts. */
export function StabilityView() {
  const comparing = phase.value === 'comparing';
  return (
    <div class="train">
      <div class="train-side">
        <h2>Would another seed find the same?</h2>
        <p class="note">
          Trains two archetypal and two free dictionaries that differ only in their seed, pairs their atoms one to one, and shows how
          well each pair agrees.
        </p>
        <DataChoice />
        <SettingsForm model={false} />
      </div>
      <div class="train-main">
        <section class="controls" aria-label="Comparison">
          <div class="actions">
            {comparing ? (
              <button type="button" class="quiet" onClick={stop}>
                Stop
              </button>
            ) : (
              <button type="button" disabled={phase.value !== 'idle'} onClick={() => void compareSeeds()}>
                Train four and compare
              </button>
            )}
          </div>
          <p role="status" class="phase">
            {comparing ? (
              <>
                <span class="spinner" aria-hidden="true" /> {progress.value?.what ?? 'Starting'}
              </>
            ) : phase.value === 'idle' ? (
              ''
            ) : (
              'Training is under way: this has to wait for it.'
            )}
          </p>
          {comparing && (
            <progress
              max={1}
              value={progress.value ? progress.value.done / progress.value.of : 0}
              aria-label={`Progress ${percent(progress.value ? progress.value.done / progress.value.of : 0)}`}
            />
          )}
        </section>
        <DeviceLine />
        <FailureBox what="stability" />
        <FailureBox what="data" />
        {stability.value ? (
          <>
            <Agreements result={stability.value} />
            <Pairs result={stability.value} />
          </>
        ) : (
          !comparing && (
            <Notice title="What to expect">
              A free dictionary finds partly other atoms with each seed. Archetypal ones are held to the data's own points, so more of them
              come back.
            </Notice>
          )
        )}
      </div>
    </div>
  );
}
