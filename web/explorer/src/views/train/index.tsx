import { computed } from '@preact/signals';
import { curves } from '../../state/curves.ts';
import { go } from '../../state/route.ts';
import { busy, device, failure, lookWithModel, made, own, choice, pause, phase, type Phase, progress, resume, resuming, settings, stop, train } from '../../state/training.ts';
import { Failure } from '../../ui/notice.tsx';
import { figure, percent, whole } from '../../ui/text.ts';
import { Curves } from './curves.tsx';
import { DataChoice } from './data.tsx';
import { SettingsForm } from './settings.tsx';

/** Trains a model here, in a worker. */
export function TrainView() {
  return (
    <div class="train">
      <div class="train-side">
        <h2>Train a dictionary</h2>
        <p class="note">It runs in this browser, on its GPU if it has one. Nothing is sent anywhere.</p>
        <DataChoice />
        <SettingsForm />
      </div>
      <div class="train-main">
        <Controls />
        <DeviceLine />
        <FailureBox what="training" />
        <FailureBox what="data" />
        <Done />
        <Curves />
      </div>
    </div>
  );
}

const PHASES: Record<string, string> = {
  idle: 'Ready',
  loading: 'Reading the data',
  preparing: 'Preparing',
  training: 'Training',
  paused: 'Paused',
  stopping: 'Stopping',
  looking: 'Looking at what was learnt',
  comparing: 'Comparing seeds',
};

const MAIN_ACTIONS: Partial<Record<Phase, [string, () => void]>> = {
  idle: ['Start training', () => void train()],
  training: ['Pause', pause],
  paused: ['Go on', resume],
};

function Controls() {
  const now = phase.value;
  // One button for all of it, so that the keyboard stays where it is.
  const [word, act] = MAIN_ACTIONS[now] ?? ['Start training', null];
  const ownModel = choice.value === 'own' && own.value.model && own.value.data;
  return (
    <section class="controls" aria-label="Training">
      <div class="actions">
        <button type="button" aria-disabled={!act} onClick={() => act?.()}>
          {word}
        </button>
        {now === 'idle' && ownModel && (
          <button type="button" class="quiet" onClick={() => void lookWithModel()}>
            Look with {own.value.model!.name} instead
          </button>
        )}
        {now === 'preparing' && !resuming.value && (
          <button type="button" class="quiet" onClick={stop}>
            Stop
          </button>
        )}
        {(now === 'training' || now === 'paused') && (
          <button type="button" class="quiet" onClick={stop}>
            Stop and look
          </button>
        )}
      </div>
      <p role="status" class="phase">
        {now !== 'idle' && now !== 'paused' && <span class="spinner" aria-hidden="true" />} {PHASES[now]}
        {progress.value && `: ${progress.value.what.toLowerCase()}, ${whole(progress.value.done)} of ${whole(progress.value.of)}`}
      </p>
      <Progress />
    </section>
  );
}

const share = computed(() => {
  if (progress.value) return progress.value.done / Math.max(1, progress.value.of);
  const { steps, of } = curves.value;
  return of ? (steps.length ? steps[steps.length - 1] + 1 : 0) / of : 0;
});

function Progress() {
  if (!busy.value && !curves.value.steps.length) return null;
  const { steps, of, rowsPerSecond, r2, epochs } = curves.value;
  const step = steps.length ? steps[steps.length - 1] + 1 : 0;
  return (
    <>
      <progress max={1} value={share.value} aria-label="Progress" />
      {of > 0 && (
        <dl class="figures">
          <Figure name="step" value={`${whole(step)} of ${whole(of)}`} />
          <Figure name="epoch" value={`${epochs.at(-1) ?? 0} of ${settings.value.epochs}`} />
          <Figure name="R²" value={figure(r2.at(-1))} />
          <Figure name="rows a second" value={rowsPerSecond ? whole(rowsPerSecond) : '–'} />
        </dl>
      )}
    </>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What computes, and what to make of it. */
export function DeviceLine() {
  const webgpu = 'gpu' in navigator;
  if (!device.value) {
    return webgpu ? null : (
      <p class="banner-box" role="status">
        This browser has no WebGPU, so training goes on with the CPU: slower, but it all works.
      </p>
    );
  }
  const { name, isGpu, isFallback } = device.value;
  const asked = settings.value.backend === 'cpu';
  return (
    <p class={(isGpu && !isFallback) || (!isGpu && asked) ? 'note' : 'banner-box'} role="status">
      Computes on <b>{name}</b>
      {!isGpu && !asked && (webgpu ? ', since there is no GPU to be used: slower, but it all works.' : ', since this browser has no WebGPU: slower, but it all works.')}
      {isGpu && isFallback && ', a GPU in software: the CPU is several times faster.'}
    </p>
  );
}

/** What failed, and the ways on. */
export function FailureBox({ what }: { what: 'training' | 'stability' | 'data' }) {
  const failed = failure.value;
  if (!failed || failed.what !== what) return null;
  return (
    <Failure message={failed.message}>
      {failed.lost && (
        <>
          <button type="button" onClick={() => void train(true)}>
            Go on from the last epoch
          </button>
          <button type="button" class="quiet" onClick={() => void train(true, 'cpu')}>
            Go on with the CPU
          </button>
        </>
      )}
      <button type="button" class="quiet" onClick={() => (failure.value = null)}>
        Dismiss
      </button>
    </Failure>
  );
}

function Done() {
  if (!made.value || busy.value) return null;
  const { dead } = curves.value;
  return (
    <div class="done" role="status">
      <p>
        <strong>{made.value.stopped ? 'Stopped early.' : 'Done.'}</strong>{' '}
        {dead.length > 0 && `${percent(dead[dead.length - 1])} of the concepts were dead in the last epoch. `}
        Its concepts, map and examples are ready.
      </p>
      <button type="button" onClick={() => go({ view: 'concepts', set: made.value!.id, concept: null, example: null, off: [] })}>
        Look at its concepts
      </button>
    </div>
  );
}
