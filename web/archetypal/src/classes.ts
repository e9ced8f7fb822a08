/** The classes of the reference, and what files hold. */

import { Device, deviceOr } from './device.js';
import {
  type ArchetypalOptions,
  type BatchTopKOptions,
  type FreeOptions,
  type JumpOptions,
  type Kernel,
  type Normalization,
  type SaeOptions,
  type TopKOptions,
  toJson,
} from './options.js';
import { callLater, release } from './runtime.js';
import { Sae } from './sae.js';
import { Trained } from './trained.js';
import { type Device as RawDevice, Model } from './wasm/archetypal.js';

type Archetypal = SaeOptions & ArchetypalOptions;
type Free = SaeOptions & FreeOptions;

/** Archetypal dictionary, the largest codes of each row. */
export class RaTopKSae extends Sae {
  /** A fresh model. */
  static create(options: Archetypal & TopKOptions): Promise<RaTopKSae> {
    return create(RaTopKSae, 'ra-topk', options);
  }
}

/** Archetypal dictionary, codes above a learned threshold. */
export class RaJumpSae extends Sae {
  /** A fresh model. */
  static create(options: Archetypal & JumpOptions): Promise<RaJumpSae> {
    return create(RaJumpSae, 'ra-jump', options);
  }
}

/** Archetypal dictionary, the largest codes of each batch. */
export class RaBatchTopKSae extends Sae {
  /** A fresh model. */
  static create(options: Archetypal & BatchTopKOptions): Promise<RaBatchTopKSae> {
    return create(RaBatchTopKSae, 'ra-batch-topk', options);
  }
}

/** Free dictionary, the largest codes of each row. */
export class TopKSae extends Sae {
  /** A fresh model. */
  static create(options: Free & TopKOptions): Promise<TopKSae> {
    return create(TopKSae, 'topk', options);
  }
}

/** Free dictionary, codes above a learned threshold. */
export class JumpSae extends Sae {
  /** A fresh model. */
  static create(options: Free & JumpOptions): Promise<JumpSae> {
    return create(JumpSae, 'jump', options);
  }
}

/** Free dictionary, the largest codes of each batch. */
export class BatchTopKSae extends Sae {
  /** A fresh model. */
  static create(options: Free & BatchTopKOptions): Promise<BatchTopKSae> {
    return create(BatchTopKSae, 'batch-topk', options);
  }
}

const CLASSES = {
  'ra-topk': RaTopKSae,
  'ra-jump': RaJumpSae,
  'ra-batch-topk': RaBatchTopKSae,
  topk: TopKSae,
  jump: JumpSae,
  'batch-topk': BatchTopKSae,
};

async function create<T extends Sae>(
  type: new (model: Trained) => T,
  model: keyof typeof CLASSES,
  options: SaeOptions & { points?: Float32Array },
): Promise<T> {
  const { device, points, nbConcepts, useMultiplier, ...others } = options;
  const settings = toJson({
    ...others,
    model,
    concepts: nbConcepts,
    multiplier: useMultiplier === true || undefined,
    noMultiplier: useMultiplier === false || undefined,
  });
  const on = await deviceOr(device);
  return callLater(() =>
    lending(on, (shared) => new type(new Trained(Model.create(shared, settings, points)))),
  );
}

/** Where a loaded model lives, and what a file of overcomplete does not say; ignored where the file says it. */
export interface LoadOptions {
  /** Where it lives; what {@link Device.open} opens unless given. */
  device?: Device;
  /** Codes a row; a tenth of the concepts unless given. */
  topK?: number;
  /** Radius of the relaxation; 1 unless given. */
  delta?: number;
  /** Jump's kernel; silverman unless given. */
  kernel?: Kernel;
  /** Jump's bandwidth; 0.001 unless given. */
  bandwidth?: number;
  /** What a free dictionary is held to; l2 unless given. */
  normalization?: Normalization;
  /** Whether the dictionary's scale is trained; whether it is other than 1 unless given. */
  useMultiplier?: boolean;
}

/**
 * Whatever model a file holds: of this package, of the command, or of overcomplete.
 *
 * @throws if the bytes are no .safetensors file with a model.
 */
export async function load(bytes: Uint8Array, options: LoadOptions = {}): Promise<Sae> {
  const { device, ...overrides } = options;
  const on = await deviceOr(device);
  return callLater(() =>
    lending(on, (shared) => saeOf(new Trained(Model.load(shared, bytes, toJson(overrides))))),
  );
}

/** @internal Acts with a handle of the device that is given back at once. */
export function lending<T>(device: Device, act: (shared: RawDevice) => T): T {
  const shared = device.share();
  try {
    return act(shared);
  } finally {
    release(shared);
  }
}

/** @internal The model as an object of its class. */
export function saeOf(model: Trained): Sae {
  return new CLASSES[model.kind as keyof typeof CLASSES](model);
}
