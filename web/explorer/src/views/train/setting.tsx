import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What ties a field to its label and its explanation. */
export interface Named {
  id: string;
  'aria-describedby': string;
}

interface Props {
  label: string;
  /** One line on what it is. */
  note: string;
  children: (named: Named) => ComponentChildren;
}

/** A setting with its label and one line of explanation. */
export function Setting({ label, note, children }: Props) {
  const id = useId();
  return (
    <div class="setting">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-note` })}
      <span class="note" id={`${id}-note`}>
        {note}
      </span>
    </div>
  );
}
