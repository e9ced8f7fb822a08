/** The module: loading it, calling it, and what happens when it fails. */

import initialise, { configure, type InitInput as Source } from './wasm/archetypal.js';

/** Where the module is: its address, a response, its bytes, or itself compiled. */
export type InitInput = Source | Promise<Source>;

let loading: Promise<void> | undefined;
let isReady = false;

/** Why the module stopped for good, once it has. */
let fatal: Error | undefined;
/** Who waits for an answer that a stopped module would never give. */
const waiting = new Set<(reason: Error) => void>();

/**
 * Loads the module, once; later calls return the same promise.
 *
 * @param wasm where it is: beside this script unless given. Node has no `fetch` for files, so give it the bytes there.
 */
export function init(wasm?: InitInput): Promise<void> {
  loading ??= start(wasm).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function start(wasm?: InitInput): Promise<void> {
  try {
    await initialise(wasm === undefined ? undefined : { module_or_path: wasm });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The module of archetypal could not be loaded: ${why}. It is archetypal_bg.wasm, which is looked for beside the script; where it ` +
        'is elsewhere, give init() its address or its bytes ("Where it runs" in the README says how).',
      { cause },
    );
  }
  configure(pause, crashed);
  isReady = true;
}

/** A call that answers at once. */
export function call<T>(act: () => T): T {
  if (fatal) throw fatal;
  if (!isReady) throw new Error('archetypal is not loaded yet. Await init() first.');
  try {
    return act();
  } catch (error) {
    throw fatal ?? inJs(error);
  }
}

/** A call that answers later: the module is loaded first if it has to be. */
export async function callLater<T>(act: () => Promise<T> | T): Promise<T> {
  await init();
  if (fatal) throw fatal;
  return new Promise<T>((resolve, reject) => {
    waiting.add(reject);
    const done = () => waiting.delete(reject);
    Promise.resolve()
      .then(act)
      .then(resolve, (error) => reject(fatal ?? inJs(error)))
      .finally(done);
  });
}

/** What went wrong, with options under the names that they have here: the crate speaks of those of the command. */
function inJs(error: unknown): unknown {
  if (error instanceof Error) {
    error.message = error.message.replace(/(?<![\w-])--([a-z]+(?:-[a-z0-9]+)*)/g, (_, name: string) =>
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    );
  }
  return error;
}

function crashed(message: string): void {
  fatal = new Error(
    `archetypal met a fault of its own and cannot go on: ${message}. Please report it; reload to start again.`,
  );
  for (const reject of waiting) reject(fatal);
  waiting.clear();
}

let wake: (() => void)[] = [];
let channel: MessageChannel | undefined;

/** Settled by a later task, so that messages, timers and clicks get their turn. Not `setTimeout`, which browsers delay. */
export function pause(): Promise<void> {
  // Node: a channel would keep the process alive.
  const { setImmediate } = globalThis as { setImmediate?: (act: () => void) => void };
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const ready = wake;
      wake = [];
      for (const resolve of ready) resolve();
    };
  }
  const { port2 } = channel;
  return new Promise((resolve) => {
    wake.push(resolve);
    port2.postMessage(null);
  });
}

/** Frees something of the module, unless it has stopped. */
export function release(value: { free(): void }): void {
  if (!fatal) value.free();
}

/** Something that lives in the module's memory until it is freed. */
export class Owned<T extends { free(): void }> {
  #value: T | undefined;

  constructor(
    value: T,
    readonly what: string,
  ) {
    this.#value = value;
  }

  /** Itself; an error once it was freed. */
  get(): T {
    if (!this.#value) throw new Error(`This ${this.what} was freed. Make or load another one.`);
    return this.#value;
  }

  /** Gives its memory back, the first time. */
  free(): void {
    const value = this.#value;
    this.#value = undefined;
    if (value) release(value);
  }
}
