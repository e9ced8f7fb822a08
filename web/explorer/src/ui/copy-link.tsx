import { useState } from 'preact/hooks';

/** Copies the address, which restores what is seen. */
export function CopyLink() {
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      setCopied(true);
    } catch {
      setCopied(false);
    }
    setTimeout(() => setCopied(null), 4000);
  };
  return (
    <>
      <button type="button" class="quiet" onClick={copy}>
        {copied ? '✓ ' : ''}Copy link
      </button>
      <span class={copied === false ? 'note' : 'visually-hidden'} role="status">
        {copied === null ? '' : copied ? 'Link copied' : 'Copy it from the address bar: this page may not'}
      </span>
    </>
  );
}
