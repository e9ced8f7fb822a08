import { go, linkTo, route, type View } from '../state/route.ts';
import { opened, source, sources } from '../state/sets.ts';
import { theme, toggleTheme } from '../state/theme.ts';
import { Downloads } from './downloads.tsx';
import { figure, percent, whole } from './text.ts';
import { TrainingBadge } from '../views/train/badge.tsx';

const TABS: [View, string][] = [
  ['concepts', 'Concepts'],
  ['map', 'Map'],
  ['examples', 'Examples'],
  ['train', 'Train'],
  ['stability', 'Stability'],
];

export function Header() {
  return (
    <header class="head">
      <a class="brand" href="#concepts" aria-label="archetypal explorer, start">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
          <path d="M16 4 29 26 3 26Z" fill="var(--accent-wash)" stroke="var(--accent)" stroke-width="2" stroke-linejoin="round" />
          <circle cx="17" cy="19" r="4" fill="var(--spark)" />
        </svg>
        <span>archetypal</span>
      </a>
      <SetChoice />
      <Summary />
      <span class="grow" />
      <TrainingBadge />
      <Downloads />
      <button
        type="button"
        class="quiet round"
        onClick={toggleTheme}
        aria-label={theme.value === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme'}
        title={theme.value === 'dark' ? 'Light theme' : 'Dark theme'}
      >
        {theme.value === 'dark' ? <Sun /> : <Moon />}
      </button>
      <nav class="tabs" aria-label="Views">
        {TABS.map(([view, label]) => (
          <a
            key={view}
            href={linkTo({ view })}
            aria-current={route.value.view === view ? 'page' : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              event.preventDefault();
              go({ view });
            }}
          >
            {label}
          </a>
        ))}
      </nav>
    </header>
  );
}

/** Which atlas is shown. */
function SetChoice() {
  const all = sources.value;
  if (all.length === 1) return <strong class="set-only">{all[0].title}</strong>;
  return (
    <div class="sets" role="group" aria-label="Data set">
      {all.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          aria-pressed={source.value.id === id}
          onClick={() => go({ set: id === all[0].id ? '' : id, concept: null, example: null, off: [], query: '', find: '' })}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

/** What the model that is shown is, in one line. */
function Summary() {
  if (opened.value.status !== 'ready') return null;
  const { concepts, points, figures } = opened.value.atlas.manifest;
  const title = `R² ${figure(figures.r2)}: share of the data's variance that the concepts explain. L0 ${figure(figures.l0)}: concepts active in a row. Dead: ${percent(figures.dead_share ?? NaN)} of the concepts never fire.`;
  return (
    <p class="summary" title={title}>
      {whole(concepts)} concepts{points !== null ? ` from ${whole(points)} points` : ''} · R² {figure(figures.r2)} · L0 {figure(figures.l0)}
      {figures.dead_share ? ` · ${percent(figures.dead_share)} dead` : ''}
    </p>
  );
}

const Sun = () => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round">
    <circle cx="10" cy="10" r="3.6" />
    <path d="M10 2v2m0 12v2M2 10h2m12 0h2M4.3 4.3l1.5 1.5m8.4 8.4 1.5 1.5m0-11.4-1.5 1.5M5.8 14.2l-1.5 1.5" />
  </svg>
);
const Moon = () => (
  <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round">
    <path d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z" />
  </svg>
);
