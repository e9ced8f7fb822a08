import type { Atlas } from '../../atlas/atlas.ts';
import { go, route } from '../../state/route.ts';
import { focusList } from '../../ui/use.ts';
import { ExampleDetail } from './detail.tsx';
import { ExampleList } from './list.tsx';
import { useFound } from './find.ts';

/** The examples, and what concepts one of them is made of. */
export function ExamplesView({ atlas }: { atlas: Atlas }) {
  const { example } = route.value;
  const found = useFound(atlas);
  const chosen = example !== null && example < atlas.manifest.examples;
  const index = chosen ? example : (found.ids?.[0] ?? 0);
  const back = () => {
    go({ example: null, off: [] });
    focusList();
  };
  return (
    <div class="concepts examples" data-chosen={chosen}>
      <ExampleList atlas={atlas} found={found} active={index} />
      <ExampleDetail key={index} atlas={atlas} index={index} onBack={back} />
    </div>
  );
}
