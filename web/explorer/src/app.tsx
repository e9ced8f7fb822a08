import { useEffect, useRef } from 'preact/hooks';
import { Boundary } from './ui/boundary.tsx';
import { Header } from './ui/header.tsx';
import { Failure, Waiting } from './ui/notice.tsx';
import { DropTarget } from './views/train/drop.tsx';
import { go, route } from './state/route.ts';
import { missing, opened, retry, source } from './state/sets.ts';
import { ConceptsView } from './views/concepts/index.tsx';
import { ExamplesView } from './views/examples/index.tsx';
import { MapView } from './views/map/index.tsx';
import { StabilityView } from './views/stability/index.tsx';
import { TrainView } from './views/train/index.tsx';

/** The whole page. */
export function App() {
  const { view } = route.value;
  const seen = useRef(false);
  useEffect(() => {
    document.title = titleOf();
  });
  // What had the focus may have gone with the view before: then the content has it.
  useEffect(() => {
    if (document.activeElement === document.body && seen.current) document.getElementById('main')?.focus({ preventScroll: true });
    seen.current = true;
  }, [view]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1} class={`view view-${route.value.view}`}>
        {missing.value && (
          <p class="banner" role="status">
            This link shows “{route.value.set}”, which was made in a page that is gone. Here is {source.value.title} instead.
          </p>
        )}
        <Boundary what={`${view} ${source.value.id}`}>
          <View />
        </Boundary>
      </main>
      <DropTarget />
    </>
  );
}

/** What tells this tab and this step of the history from others. */
function titleOf(): string {
  const { view, concept, example } = route.value;
  const what = view === 'concepts' && concept !== null ? `Concept ${concept}` : view === 'examples' && example !== null ? `Example ${example}` : view[0].toUpperCase() + view.slice(1);
  return `${what} · ${source.value.title} · archetypal`;
}

/** Moves the focus without touching the address, which holds the state. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function View() {
  const { view } = route.value;
  if (view === 'train') return <TrainView />;
  if (view === 'stability') return <StabilityView />;
  const now = opened.value;
  if (now.status === 'loading') return <Waiting what={`Opening ${source.value.title}`} />;
  if (now.status === 'failed') {
    return (
      <Failure message={now.message}>
        <button type="button" onClick={retry}>
          Try again
        </button>
        <button type="button" class="quiet" onClick={() => go({ view: 'train' })}>
          Train on data of your own
        </button>
      </Failure>
    );
  }
  if (view === 'map') return <MapView atlas={now.atlas} />;
  if (view === 'examples') return <ExamplesView atlas={now.atlas} />;
  return <ConceptsView atlas={now.atlas} />;
}
