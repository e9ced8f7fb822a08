import type { Call, Calls, FromWorker, Happening, ToWorker } from '../worker/protocol.ts';

/** A failure of the worker, and whether its device is gone. */
export class EngineError extends Error {
  constructor(
    message: string,
    readonly lost: boolean,
  ) {
    super(message);
  }
}

/** What was under way was ended by the visitor. */
export class Ended extends Error {}

type Waiting = { resolve: (answer: unknown) => void; reject: (error: Error) => void };

/** The page's side of the worker: calls that are answered, orders that are not, and what happens meanwhile. */
export class Engine {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;

  constructor(
    private readonly hear: (happening: Happening) => void,
    /** What the worker held is gone. */
    private readonly died: () => void,
  ) {}

  /** Started when it is first needed: most visitors only look. */
  private started(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(new URL('../worker/trainer.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.fail(event.message || 'The worker that trains could not start: the page may lack archetypal_bg.wasm.');
    };
    this.worker = worker;
    return worker;
  }

  private receive(message: FromWorker): void {
    if ('event' in message) {
      this.hear(message);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if ('failed' in message) waiting?.reject(new EngineError(message.failed, message.lost));
    else waiting?.resolve(message.answer);
  }

  /** Everything that is under way fails; the next call starts a new worker. */
  private fail(message: string): void {
    this.stopWorker(new EngineError(message, false));
  }

  /** Ends what does not listen to orders, such as a search for points, with the worker and all that it holds. */
  end(): void {
    this.stopWorker(new Ended('It was stopped.'));
  }

  private stopWorker(reason: Error): void {
    this.worker?.terminate();
    this.worker = null;
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
    this.died();
  }

  ask<C extends Call>(call: C, ask: Calls[C]['ask'], transfer: Transferable[] = []): Promise<Calls[C]['answer']> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.started().postMessage({ id, call, ask } as ToWorker, transfer);
    });
  }

  order(order: 'pause' | 'resume' | 'stop'): void {
    this.worker?.postMessage({ order } satisfies ToWorker);
  }
}
