import { useState } from 'preact/hooks';

/** Copies the address, which restores what is seen. */
export function CopyLink() {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setSaid('Link copied');
    } catch {
      setSaid('Copy the address bar: this browser does not let pages copy');
    }
    setTimeout(() => setSaid(''), 2500);
  };
  return (
    <>
      <button type="button" class="quiet" onClick={copy}>
        {said ? '✓ ' : ''}Copy link
      </button>
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </>
  );
}
