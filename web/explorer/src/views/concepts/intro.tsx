import { signal } from '@preact/signals';
import type { Atlas } from '../../atlas/atlas.ts';
import { whole } from '../../ui/text.ts';

const KEY = 'archetypal.intro';

function wasRead(): boolean {
  try {
    return localStorage.getItem(KEY) === 'read';
  } catch {
    return false;
  }
}

const hidden = signal(wasRead());

function hide(): void {
  hidden.value = true;
  try {
    localStorage.setItem(KEY, 'read');
  } catch {
    // Then it is shown again next time.
  }
}

const WHAT = {
  images: ['a spot in a picture', 'a vision network'],
  texts: ['a text', 'a sentence model'],
  rows: ['a row of your data', 'a model'],
};

/** What a concept and an archetypal atom are, in two sentences. */
export function Intro({ atlas }: { atlas: Atlas }) {
  if (hidden.value) return null;
  const { kind, concepts, points } = atlas.manifest;
  const [unit, model] = WHAT[kind];
  return (
    <aside class="intro" aria-label="What this shows">
      <IntroFigure />
      <p>
        <strong>A concept</strong> is something that {model} looks for: {unit} sets off a few of these {whole(concepts)} and leaves the
        rest silent.{' '}
        {points !== null ? (
          <>
            <strong>An archetypal atom</strong>, the direction behind a concept, is not free to be anything: it is a mixture of{' '}
            <em>points</em> of the data itself, so you can see what it is made of.
          </>
        ) : (
          <>The direction behind each concept, its atom, is free here: training put it wherever it served best.</>
        )}
      </p>
      <button type="button" class="quiet" onClick={hide} aria-label="Got it, hide this explanation">
        Got it
      </button>
    </aside>
  );
}

/** Points of the data around an atom that mixes three of them. */
function IntroFigure() {
  const points = [[14, 40], [50, 8], [86, 44], [58, 56], [30, 20]];
  return (
    <svg viewBox="0 0 100 64" width="100" height="64" aria-hidden="true" class="intro-figure">
      <path d="M14 40 50 8 86 44Z" fill="var(--accent-wash)" stroke="var(--accent)" />
      {[[50, 8], [14, 40], [86, 44]].map(([x, y]) => (
        <path key={x} d={`M${x} ${y} 48 32`} stroke="var(--accent)" stroke-dasharray="2 3" />
      ))}
      {points.map(([x, y]) => (
        <circle key={x} cx={x} cy={y} r="3.5" fill="var(--accent)" />
      ))}
      <circle cx="48" cy="32" r="6" fill="var(--spark)" />
    </svg>
  );
}
