import type { Atlas } from '../../atlas/atlas.ts';
import { go, route } from '../../state/route.ts';
import { ConceptDetail } from './detail.tsx';
import { focusList } from '../../ui/use.ts';
import { Intro } from './intro.tsx';
import { ConceptList } from './list.tsx';
import { order, shown } from './order.ts';

/** The list of concepts, and one of them. On a phone one at a time. */
export function ConceptsView({ atlas }: { atlas: Atlas }) {
  const chosen = route.value.concept !== null;
  const at = order.value.indexOf(shown.value);
  const step = (by: number) => {
    const next = order.value[at + by];
    if (next !== undefined) go({ concept: next }, true);
  };
  return (
    <div class="concepts" data-chosen={chosen}>
      <Intro atlas={atlas} />
      <ConceptList atlas={atlas} />
      <ConceptDetail
        atlas={atlas}
        concept={shown.value}
        onBack={() => {
          go({ concept: null });
          focusList();
        }}
        onPrevious={at > 0 ? () => step(-1) : undefined}
        onNext={at >= 0 && at < order.value.length - 1 ? () => step(1) : undefined}
      />
    </div>
  );
}
