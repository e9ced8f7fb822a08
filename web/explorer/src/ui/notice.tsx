import type { ComponentChildren } from 'preact';

/** A quiet box that says what is, or is not, here. */
export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** What went wrong, and what can be done. */
export function Failure({ message, children }: { message: string; children?: ComponentChildren }) {
  return (
    <div class="notice failure" role="alert">
      <strong>That did not work</strong>
      <p>{message}</p>
      {children && <div class="actions">{children}</div>}
    </div>
  );
}

/** Something is under way. */
export function Waiting({ what }: { what: string }) {
  return (
    <p class="waiting" role="status">
      <span class="spinner" aria-hidden="true" /> {what}
    </p>
  );
}
