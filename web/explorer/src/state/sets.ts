import { computed, effect, signal } from '@preact/signals';
import { Atlas } from '../atlas/atlas.ts';
import { type AtlasFiles, HttpFiles } from '../atlas/files.ts';
import { route } from './route.ts';

/** An atlas that can be opened. */
export interface Source {
  id: string;
  title: string;
  files: AtlasFiles;
}

export type Opened =
  | { status: 'loading' }
  | { status: 'ready'; atlas: Atlas }
  | { status: 'failed'; message: string };

const SHIPPED = [
  { id: 'pictures', title: 'Pictures', folder: './sets/pictures/' },
  { id: 'words', title: 'Words', folder: './sets/words/' },
];

/** What was asked for in the address, or by who wrote the page. */
function given(): string | null {
  const asked = new URLSearchParams(location.search).get('atlas');
  const written = document.querySelector<HTMLMetaElement>('meta[name="archetypal-atlas"]')?.content;
  return asked || written || null;
}

function initial(): Source[] {
  const base = given();
  if (base) return [{ id: 'atlas', title: 'This atlas', files: new HttpFiles(base) }];
  return SHIPPED.map(({ id, title, folder }) => ({ id, title, files: new HttpFiles(folder) }));
}

/** All that can be opened, those made here last. */
export const sources = signal<Source[]>(initial());

/** The one that the address names, else the first. */
export const source = computed(() => sources.value.find(({ id }) => id === route.value.set) ?? sources.value[0]);

/** Whether the address names one that is not there: it was made in a page that is gone. */
export const missing = computed(() => route.value.set !== '' && source.value.id !== route.value.set);

/** What is shown. */
export const opened = signal<Opened>({ status: 'loading' });

const kept = new Map<AtlasFiles, Promise<Atlas>>();

function open(files: AtlasFiles): Promise<Atlas> {
  let atlas = kept.get(files);
  if (!atlas) {
    atlas = Atlas.open(files);
    kept.set(files, atlas);
    atlas.catch(() => kept.delete(files));
  }
  return atlas;
}

async function show(wanted: Source): Promise<void> {
  opened.value = { status: 'loading' };
  try {
    const atlas = await open(wanted.files);
    if (source.peek().files !== wanted.files) return;
    if (wanted.id === 'atlas') entitle(wanted, atlas.manifest.title);
    opened.value = { status: 'ready', atlas };
  } catch (error) {
    if (await tryBeside(wanted)) return;
    if (source.peek().files === wanted.files) opened.value = { status: 'failed', message: messageOf(error) };
  }
}

/** A page without its shipped sets may have been written beside an atlas: then that is the one. */
async function tryBeside(wanted: Source): Promise<boolean> {
  if (wanted.id !== SHIPPED[0].id || given()) return false;
  const files = new HttpFiles('./atlas/');
  const there = await open(files).then(
    () => true,
    () => false,
  );
  if (there) sources.value = [{ id: 'atlas', title: 'This atlas', files }];
  return there;
}

/** Calls an atlas what its manifest calls it. */
function entitle(which: Source, title: string): void {
  sources.value = sources.peek().map((known) => (known.id === which.id ? { ...known, title } : known));
}

/** Opens whatever the address names, now and later. */
export function followSets(): void {
  let shown: AtlasFiles | undefined;
  effect(() => {
    const wanted = source.value;
    if (wanted.files === shown) return;
    shown = wanted.files;
    void show(wanted);
  });
}

/** Tries the one that failed again. */
export function retry(): void {
  void show(source.peek());
}

/** Adds one, or puts it in the place of the one with its id. */
export function addSource(added: Source): void {
  const old = sources.peek().find(({ id }) => id === added.id);
  if (old) {
    kept.delete(old.files);
    old.files.dispose?.();
  }
  sources.value = [...sources.peek().filter(({ id }) => id !== added.id), added];
}

/** What went wrong, in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
