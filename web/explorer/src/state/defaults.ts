import type { DataInfo, FitSettings } from '../worker/protocol.ts';

/** What serves most data. */
const COMMON: Omit<FitSettings, 'concepts' | 'points'> = {
  model: 'ra-topk',
  topK: 16,
  delta: 0.2,
  targetL0: 16,
  epochs: 10,
  batchSize: 512,
  lr: 1e-3,
  schedule: 'cosine:0:0.1',
  seed: 0,
  normalize: 'standardize',
  loss: 'mse',
  backend: 'auto',
};

/** Defaults for a shipped set by its name, and for data of one's own by their size. */
export function defaultsFor(
  id: string,
  info: Pick<DataInfo, 'rows' | 'width'> | null,
  shown: { concepts: number; points: number | null } | null = null,
): FitSettings {
  if (id === 'pictures') return { ...COMMON, concepts: 512, points: 256 };
  if (id === 'words') return { ...COMMON, concepts: 512, points: 256, topK: 32, epochs: 20 };
  if (shown) return { ...COMMON, model: shown.points ? 'ra-topk' : 'topk', concepts: shown.concepts, points: shown.points ?? shown.concepts };
  const rows = info?.rows ?? 4096;
  const concepts = Math.min(2048, 4 * (info?.width ?? 128));
  return { ...COMMON, concepts, points: Math.max(1, Math.min(concepts, Math.floor(rows / 4))), topK: Math.min(16, Math.max(1, Math.floor(concepts / 4))) };
}
