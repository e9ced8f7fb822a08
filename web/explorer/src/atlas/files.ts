/** Where the files of an atlas come from. */
export interface AtlasFiles {
  /** The bytes of a file; fails with a message that can be shown. */
  get(name: string): Promise<ArrayBuffer>;
  /** What an <img> takes as its source. */
  image(name: string): string;
  /** Whether a link can bring somebody else here. */
  readonly shareable: boolean;
  /** Lets go of what the browser holds for it. */
  dispose?(): void;
}

/** A folder on a server. */
export class HttpFiles implements AtlasFiles {
  readonly shareable = true;
  private readonly base: string;

  constructor(base: string) {
    this.base = new URL(base.endsWith('/') ? base : `${base}/`, document.baseURI).href;
  }

  async get(name: string): Promise<ArrayBuffer> {
    const url = new URL(name, this.base).href;
    const answer = await fetch(url).catch((cause: unknown) => {
      throw new Error(`${url} could not be loaded: ${String(cause)}`);
    });
    if (!answer.ok) throw new Error(`${url} could not be loaded: the server answered ${answer.status}.`);
    return answer.arrayBuffer();
  }

  image(name: string): string {
    return new URL(name, this.base).href;
  }
}

/** Files in memory, with the pictures beside them. */
export class MemoryFiles implements AtlasFiles {
  readonly shareable = false;
  private readonly urls = new Map<string, string>();

  constructor(
    private readonly files: Map<string, Uint8Array>,
    private readonly pictures: Map<string, Blob> = new Map(),
  ) {}

  get(name: string): Promise<ArrayBuffer> {
    const bytes = this.files.get(name);
    if (!bytes) return Promise.reject(new Error(`The atlas has no file ${name}.`));
    return Promise.resolve(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer);
  }

  image(name: string): string {
    const known = this.urls.get(name);
    if (known) return known;
    const blob = this.pictures.get(name);
    const url = blob ? URL.createObjectURL(blob) : MISSING_PICTURE;
    this.urls.set(name, url);
    return url;
  }

  dispose(): void {
    for (const url of this.urls.values()) if (url !== MISSING_PICTURE) URL.revokeObjectURL(url);
    this.urls.clear();
  }
}

/** Tables made here, examples and pictures from where the data came from. */
export class OverlayFiles implements AtlasFiles {
  readonly shareable = false;

  constructor(
    private readonly over: AtlasFiles,
    private readonly under: AtlasFiles,
  ) {}

  get(name: string): Promise<ArrayBuffer> {
    return (name.startsWith('examples/') ? this.under : this.over).get(name);
  }

  image(name: string): string {
    return this.under.image(name);
  }

  dispose(): void {
    this.over.dispose?.();
  }
}

const MISSING_PICTURE =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z" fill="#8886"/><path d="m2 2 4 4m0-4-4 4" stroke="#888"/></svg>',
  );
