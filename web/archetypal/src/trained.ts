import type { Data } from './data.js';
import type { TrainEvent } from './events.js';
import { callLater, release } from './runtime.js';
import type { SaeSettings } from './settings.js';
import type { Model } from './wasm/archetypal.js';

/** @internal A model of the module, the line of those who want something of it, and its run. */
export class Trained {
  readonly settings: SaeSettings;
  readonly kind: string;
  readonly #model: Model;
  /** Settled once all calls so far are done. */
  #line: Promise<unknown> = Promise.resolve();
  #isFreed = false;
  #isTraining = false;

  constructor(model: Model) {
    this.#model = model;
    this.settings = JSON.parse(model.settings());
    this.kind = model.kind();
  }

  /** Acts on the model once all calls before are done. */
  inLine<T>(act: (model: Model) => Promise<T> | T): Promise<T> {
    if (this.#isFreed) {
      return Promise.reject(new Error('This model was freed. Make or load another one.'));
    }
    const turn = this.#line.then(() => callLater(() => act(this.#model)));
    this.#line = turn.catch(() => {});
    return turn;
  }

  /** Frees it once all calls before are done. */
  free(): void {
    if (this.#isFreed) return;
    this.#isFreed = true;
    this.#line.then(() => release(this.#model));
  }

  /** A run on `data`, to its end or until the loop is left, which stops it for good. */
  async *train(data: Data, options: string): AsyncGenerator<TrainEvent, void, undefined> {
    const release = this.claim();
    try {
      await this.inLine((model) => model.begin(data.share(), options));
      yield* this.steps();
    } finally {
      release();
      // If it was left: what was recorded is done, and what it learnt stays. There may be no run, or no model.
      await this.inLine((model) => model.close()).catch(() => {});
    }
  }

  /** The rest of the run that the model is in. It can be left, and entered again. */
  async *steps(): AsyncGenerator<TrainEvent, void, undefined> {
    for (let isDone = false; !isDone; ) {
      const { events, failure, done } = await this.inLine(step);
      yield* events;
      if (failure) throw failure;
      isDone = done;
    }
  }

  /** Keeps others from training it; what it returns lets them again. */
  claim(): () => void {
    if (this.#isTraining) {
      throw new Error('This model is being trained already. Leave that loop first, or wait for its end.');
    }
    this.#isTraining = true;
    return () => {
      this.#isTraining = false;
    };
  }
}

/** A step, or the end of the run after the last one: what is told, also if it failed. */
async function step(
  model: Model,
): Promise<{ events: TrainEvent[]; failure?: unknown; done: boolean }> {
  const done = model.isDone();
  try {
    await (done ? model.close() : model.step());
    return { events: JSON.parse(model.events()), done };
  } catch (failure) {
    return { events: JSON.parse(model.events()), failure, done };
  }
}
