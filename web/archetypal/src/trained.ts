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
  /** Events of steps that are done, for the next who asks. */
  #untold: TrainEvent[] = [];
  /** Whether the run that the model is in has done all its epochs. */
  isDone = false;

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
    const release = this.#claim();
    try {
      await this.inLine((model) => model.begin(data.share(), options));
      this.#untold = [];
      yield* this.#steps();
    } finally {
      release();
      this.stop();
    }
  }

  /** The rest of the run that the model is in. It can be left, and entered again where it was left. */
  async *goOn(): AsyncGenerator<TrainEvent, void, undefined> {
    const release = this.#claim();
    try {
      yield* this.#steps();
    } finally {
      release();
    }
  }

  /** Ends the run, if there is one, wherever it stands. */
  stop(): void {
    // Whether it ends well is of no interest any more.
    this.inLine((model) => model.close()).catch(() => {});
  }

  async *#steps(): AsyncGenerator<TrainEvent, void, undefined> {
    for (;;) {
      // What was not told when the loop was left comes first.
      for (let event = this.#untold.shift(); event; event = this.#untold.shift()) yield event;
      const { events, failure, isDone, ended } = await this.inLine(step);
      this.isDone = isDone;
      if (ended) {
        yield* events;
        return;
      }
      if (failure) {
        yield* events;
        throw failure;
      }
      this.#untold = events;
    }
  }

  /** Keeps others from training it; what it returns lets them again. */
  #claim(): () => void {
    if (this.#isTraining) {
      throw new Error('This model is being trained already. Leave that loop first, or wait for its end.');
    }
    this.#isTraining = true;
    return () => {
      this.#isTraining = false;
    };
  }
}

/** What came of a step, or of closing the run after the last one. */
interface Stepped {
  /** What is told, also if it failed. */
  events: TrainEvent[];
  failure?: unknown;
  /** Whether all epochs are done. */
  isDone: boolean;
  /** Whether the run is closed. */
  ended: boolean;
}

async function step(model: Model): Promise<Stepped> {
  const ended = model.isDone();
  try {
    await (ended ? model.close() : model.step());
    return { events: JSON.parse(model.events()), isDone: model.isDone(), ended };
  } catch (failure) {
    return { events: JSON.parse(model.events()), failure, isDone: false, ended: false };
  }
}
