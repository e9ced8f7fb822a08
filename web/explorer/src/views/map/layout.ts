import { signal } from '@preact/signals';
import type { Atlas } from '../../atlas/atlas.ts';
import { messageOf } from '../../state/sets.ts';
import type { UmapAnswer, UmapRequest } from '../../worker/umap.ts';

export type UmapState = { status: 'working'; done: number; of: number } | { status: 'ready'; xy: Float32Array } | { status: 'failed'; message: string };

/** UMAP of each atlas that was asked for, kept while the atlas is. */
const made = new WeakMap<Atlas, ReturnType<typeof signal<UmapState>>>();

/** The UMAP of an atlas's atoms; the first call starts it in a worker of its own. */
export function umapOf(atlas: Atlas) {
  let state = made.get(atlas);
  if (!state) {
    state = signal<UmapState>({ status: 'working', done: 0, of: 0 });
    made.set(atlas, state);
    start(atlas).then(
      (xy) => (state!.value = { status: 'ready', xy }),
      (error: unknown) => (state!.value = { status: 'failed', message: messageOf(error) }),
    );
  }
  return state;
}

/** Lets the next call of {@link umapOf} try again. */
export function forgetUmap(atlas: Atlas): void {
  made.delete(atlas);
}

async function start(atlas: Atlas): Promise<Float32Array> {
  const vectors = await atlas.allAtoms();
  const worker = new Worker(new URL('../../worker/umap.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || 'The worker that makes the map could not start.'));
      worker.onmessage = ({ data }: MessageEvent<UmapAnswer>) => {
        if ('xy' in data) resolve(data.xy);
        else if ('failed' in data) reject(new Error(data.failed));
        else made.get(atlas)!.value = { status: 'working', ...data };
      };
      const request: UmapRequest = { vectors, width: atlas.manifest.width, seed: 0 };
      worker.postMessage(request, [vectors.buffer]);
    });
  } finally {
    worker.terminate();
  }
}
