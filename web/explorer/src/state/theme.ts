import { computed, effect, signal } from '@preact/signals';

const KEY = 'archetypal.theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const system = signal(dark.matches);
dark.addEventListener('change', (event) => (system.value = event.matches));

function stored(): 'light' | 'dark' | null {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : null;
  } catch {
    return null;
  }
}

const chosen = signal(stored());

/** What is shown: what was chosen, else what the system has. */
export const theme = computed<'light' | 'dark'>(() => chosen.value ?? (system.value ? 'dark' : 'light'));

/** The other one, and keeps it; back at the system's own, nothing is kept. */
export function toggleTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  const same = (next === 'dark') === system.value;
  chosen.value = same ? null : next;
  try {
    if (same) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still shows it for now.
  }
}

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

/** The values of CSS variables now, for what is drawn on a canvas. Reading it in an effect follows the theme. */
export function colours<K extends string>(...names: K[]): Record<K, string> {
  void theme.value;
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Record<K, string>;
}
