import { computed, signal } from '@preact/signals';
import { MemoryFiles, OverlayFiles } from '../atlas/files.ts';
import { type Manifest, parseManifest } from '../atlas/manifest.ts';
import type { Example } from '../atlas/atlas.ts';
import type { DataInfo, FitSettings, Happening, StabilityResult } from '../worker/protocol.ts';
import { addEvents, clearCurves } from './curves.ts';
import { defaultsFor } from './defaults.ts';
import { Ended, Engine, EngineError } from './engine.ts';
import { checkExamples, examplesOf, kindOf, NOTHING, type Own, parseGrid, sortFiles, squareGrid } from './own.ts';
import { addSource, messageOf, opened, source, type Source, sources } from './sets.ts';

/** Whether the run under way goes on from a state that only the worker has, so that the worker must live. */
export const resuming = signal(false);

/** What is going on. */
export type Phase = 'idle' | 'loading' | 'preparing' | 'training' | 'paused' | 'stopping' | 'looking' | 'comparing';
export const phase = signal<Phase>('idle');
export const busy = computed(() => phase.value !== 'idle');

/** Sets that have data to train on. */
export const trainable = computed(() => sources.value.filter(({ id }) => id !== 'trained'));

/** Id of the set that was chosen to train on; `own` for files of the visitor's. */
export const choice = signal('');
/** The same, or the first set unless something was chosen. */
export const dataset = computed(() => choice.value || trainable.value[0].id);
export const own = signal<Own>(NOTHING);
export const tensor = signal('');
export const gridText = signal('');
export const info = signal<DataInfo | null>(null);

/** Changes of the visitor's; everything else follows the data. */
const changed = signal<Partial<FitSettings>>({});
export const settings = computed<FitSettings>(() => ({ ...defaultsFor(dataset.value, info.value, shownModel()), ...changed.value }));

/** The sizes of the model that is shown, if it is of the data that are chosen. */
function shownModel(): Manifest | null {
  return opened.value.status === 'ready' && source.value.id === dataset.value ? opened.value.atlas.manifest : null;
}

export interface Failure {
  message: string;
  /** The device is gone. */
  lost: boolean;
  what: 'data' | 'training' | 'stability';
}
export const failure = signal<Failure | null>(null);
export const progress = signal<{ what: string; done: number; of: number } | null>(null);
export const device = signal<{ name: string; isGpu: boolean; isFallback: boolean } | null>(null);
/** The set that the last training made. */
export const made = signal<{ id: string; stopped: boolean } | null>(null);
export const stability = signal<StabilityResult | null>(null);
/** Where the examples of a comparison's rows are found. */
export const comparedOn = signal<string | null>(null);

/** Whether the visitor wants an end, which a worker that has not begun would not hear of. */
let stopAsked = false;

/** Which data the worker holds. */
let loaded = '';

const engine = new Engine(hear, () => (loaded = ''));

function hear(happening: Happening): void {
  if (happening.event === 'train') {
    if (phase.value === 'preparing') phase.value = 'training';
    progress.value = null;
    addEvents(happening.happened, performance.now());
  } else if (happening.event === 'progress') progress.value = happening;
  else if (happening.event === 'device') device.value = happening;
  else if (happening.event === 'paused') {
    if (phase.value === 'paused' || phase.value === 'training') phase.value = happening.paused ? 'paused' : 'training';
  } else if (!busy.value) failure.value = { message: happening.message, lost: true, what: 'training' };
}

export function change(some: Partial<FitSettings>): void {
  changed.value = { ...changed.value, ...some };
}

export function resetSettings(): void {
  changed.value = {};
}

export function choose(id: string): void {
  if (id === dataset.value) return;
  choice.value = id;
  info.value = null;
  failure.value = null;
  changed.value = {};
}

/** Takes files in; what does not fit is said at once. */
export function takeFiles(files: File[]): Promise<void> {
  return doing('loading', 'data', async () => {
    const before = choice.value === 'own' ? own.value : NOTHING;
    own.value = await sortFiles(before, files);
    // Other data have a grid of their own.
    if (own.value.data !== before.data) gridText.value = '';
    choose('own');
    loaded = '';
    if (!own.value.tensors.includes(tensor.value)) tensor.value = own.value.tensors[0] ?? '';
    if (own.value.data) await loadData();
  });
}

/** Reads the data again, with another tensor or grid. */
export async function reload(): Promise<void> {
  loaded = '';
  await doing('loading', 'data', loadData);
}

export function forgetOwn(): void {
  own.value = NOTHING;
  info.value = null;
  gridText.value = '';
  loaded = '';
}

function report(error: unknown, what: Failure['what']): void {
  failure.value = { message: messageOf(error), lost: error instanceof EngineError && error.lost, what };
}

/** Runs something in a phase of its own; what goes wrong is shown. */
async function doing(name: Phase, what: Failure['what'], act: () => Promise<void>): Promise<void> {
  if (busy.value) return;
  phase.value = name;
  failure.value = null;
  stopAsked = false;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Ended)) report(error, what);
  } finally {
    phase.value = 'idle';
    progress.value = null;
    resuming.value = false;
  }
}

/** Gives the worker the data that are chosen, unless it has them. */
async function loadData(): Promise<void> {
  const id = dataset.value;
  const key = id === 'own' ? `own ${tensor.value} ${gridText.value}` : id;
  if (loaded === key && info.value) return;
  const { name, bytes } = id === 'own' ? await ownBytes() : await setBytes(id);
  const grid = id === 'own' ? parseGrid(gridText.value) : undefined;
  const ask = { name, bytes, ...(tensor.value && id === 'own' ? { tensor: tensor.value } : {}), ...(grid ? { grid } : {}) };
  const found = await engine.ask('data', ask, [bytes]);
  info.value = found;
  if (id === 'own') {
    const examples = examplesOf(own.value);
    const square = found.grid ? undefined : squareGrid(found.rows, examples.length);
    if (square && !grid) {
      gridText.value = square.join('x');
      return loadData();
    }
    checkExamples(found.rows, found.grid, examples.length);
  }
  loaded = key;
}

async function ownBytes(): Promise<{ name: string; bytes: ArrayBuffer }> {
  const file = own.value.data;
  if (!file) throw new Error('Give activations first: a .npy or .safetensors file with one row a line of the examples.');
  return { name: file.name, bytes: await file.arrayBuffer() };
}

async function setBytes(id: string): Promise<{ name: string; bytes: ArrayBuffer }> {
  const { files, title } = sourceOf(id);
  const manifest = parseManifest(await files.get('manifest.json'));
  if (!manifest.files.data) throw new Error(`${title} comes without its activations, so there is nothing to train on.`);
  return { name: manifest.files.data, bytes: await files.get(manifest.files.data) };
}

function sourceOf(id: string): Source {
  const found = sources.value.find((source) => source.id === id);
  if (!found) throw new Error(`There is no set ${id}.`);
  return found;
}

/** Trains, from the start or from the last epoch before the device was lost, and opens what comes out. */
export function train(resume = false, backend?: FitSettings['backend']): Promise<void> {
  if (backend) change({ backend });
  return doing('preparing', 'training', async () => {
    resuming.value = resume;
    if (!resume) clearCurves();
    made.value = null;
    await loadData();
    if (stopAsked) return;
    const { stopped } = await engine.ask('train', { settings: settings.value, resume });
    await look(stopped);
  });
}

/** Looks at the data with a model that the visitor brought. */
export function lookWithModel(): Promise<void> {
  return doing('preparing', 'training', async () => {
    await loadData();
    const bytes = await own.value.model!.arrayBuffer();
    if (stopAsked) return;
    await engine.ask('model', { bytes, backend: settings.value.backend });
    await look(false);
  });
}

/** Makes the atlas of the worker's model and adds it to the sets. */
async function look(stopped: boolean): Promise<void> {
  phase.value = 'looking';
  const id = dataset.value;
  const mine = id === 'own';
  const examples = mine ? examplesOf(own.value) : null;
  const base = mine ? null : sourceOf(id).files;
  const manifest = base ? parseManifest(await base.get('manifest.json')) : null;
  const kind = examples ? kindOf(examples) : manifest!.kind;
  const all = examples ?? (await allExamples(id));
  const labels = all.some(({ label }) => label) ? all.map(({ label }) => label ?? null) : null;
  const title = mine ? own.value.data!.name : sourceOf(id).title;
  const files = await engine.ask('atlas', { title, kind, labels });
  files.set('sae.safetensors', await engine.ask('save', null));
  const memory = new MemoryFiles(withExamples(files, examples), mine ? own.value.pictures : undefined);
  addSource({ id: 'trained', title: mine ? 'Your data' : `${title}, trained here`, files: base ? new OverlayFiles(memory, base) : memory });
  made.value = { id: 'trained', stopped };
}

async function allExamples(id: string): Promise<Example[]> {
  const { files } = sourceOf(id);
  const { examples, chunks, files: has } = parseManifest(await files.get('manifest.json'));
  if (!has.examples) return [];
  const read = async (i: number) => JSON.parse(new TextDecoder().decode(await files.get(`examples/${i}.json`))) as Example[];
  return (await Promise.all(Array.from({ length: Math.ceil(examples / chunks.examples) }, (_, i) => read(i)))).flat();
}

/** The examples as files of the atlas, as many in each as its manifest says. */
function withExamples(files: Map<string, Uint8Array>, examples: Example[] | null): Map<string, Uint8Array> {
  if (!examples?.length) return files;
  const bytes = files.get('manifest.json')!;
  const { chunks } = parseManifest(bytes.slice().buffer as ArrayBuffer);
  for (let from = 0; from < examples.length; from += chunks.examples) {
    const part = JSON.stringify(examples.slice(from, from + chunks.examples));
    files.set(`examples/${from / chunks.examples}.json`, new TextEncoder().encode(part));
  }
  return files;
}

export const pause = () => engine.order('pause');
export const resume = () => engine.order('resume');
export function stop(): void {
  stopAsked = true;
  if (phase.value === 'preparing') {
    if (!resuming.value) engine.end();
    return;
  }
  phase.value = phase.value === 'comparing' ? 'comparing' : 'stopping';
  engine.order('stop');
}

/** Trains two seeds of each kind and compares them. */
export function compareSeeds(): Promise<void> {
  return doing('comparing', 'stability', async () => {
    stability.value = null;
    await loadData();
    if (stopAsked) return;
    const result = await engine.ask('stability', { settings: settings.value });
    stability.value = result;
    comparedOn.value = dataset.value;
  });
}
