import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { bigFile } from './big.ts';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webp': 'image/webp',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Where a file of the built page lies. */
export const built = (name: string) => join(DIST, name);

async function body(path: string): Promise<Uint8Array | string | undefined> {
  if (path.startsWith('/big/')) return bigFile(path.slice(5));
  if (process.env.ATLAS && path.startsWith('/given/')) return readFile(join(process.env.ATLAS, normalize(path.slice(6)))).catch(() => undefined);
  const file = join(DIST, normalize(path.endsWith('/') ? `${path}index.html` : path));
  return readFile(file).catch(() => undefined);
}

/** Serves the built page, the big atlas below /big/, and the folder `ATLAS` below /given/. */
async function serve(): Promise<{ server: Server; address: string }> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    void body(path).then((found) => {
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream' });
      response.end(found ?? 'not found');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('The server has no port.');
  return { server, address: `http://localhost:${at.port}/` };
}

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Site {
  browser: Browser;
  address: string;
  close: () => Promise<void>;
}

/** A browser and a server. `webgpu`: with WebGPU in software. */
export async function openSite({ webgpu = false } = {}): Promise<Site> {
  if (!existsSync(join(DIST, 'sets/pictures/manifest.json'))) {
    throw new Error('The page, or its sets, are not built: run scripts/build-web.sh first.');
  }
  const { server, address } = await serve();
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: webgpu ? [...FLAGS, '--enable-unsafe-webgpu'] : FLAGS });
  return {
    browser,
    address,
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

export interface Visit {
  page: Page;
  /** What the console complained about. */
  complaints: string[];
  close: () => Promise<void>;
}

interface Visitor {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
}

/** A visitor on a page of the site, with all that the console says written down. */
export async function visit(site: Site, path: string, { width = 1280, height = 800, theme = 'light' }: Visitor = {}): Promise<Visit> {
  const context = await site.browser.newContext({ viewport: { width, height }, colorScheme: theme, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // A machine with two cores has more to do.
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error.message}`));
  await page.goto(site.address + path);
  return { page, complaints, close: () => context.close() };
}

/** Trains on the pictures to the end, with settings by their labels; what computed, and the R² of the last steps. */
export async function trainOn(page: Page, backend: 'gpu' | 'cpu', settings: Record<string, number> = {}, meanwhile?: () => Promise<void>): Promise<{ device: string; r2: number }> {
  for (const [label, value] of Object.entries(settings)) await page.getByLabel(label, { exact: true }).fill(String(value));
  if (!(await page.getByLabel('Device', { exact: true }).isVisible())) await page.getByText('More settings').click();
  await page.getByLabel('Device', { exact: true }).selectOption(backend);
  await page.getByRole('button', { name: 'Start training' }).click();
  // A failure is told rather than waited for.
  const failed = page.getByRole('alert').waitFor({ timeout: 0 }).then(async () => {
    throw new Error((await page.getByRole('alert').textContent()) ?? 'it failed');
  });
  failed.catch(() => undefined);
  const within = async (wanted: Promise<unknown>) => Promise.race([wanted, failed]);
  await within(page.getByRole('button', { name: 'Pause' }).waitFor({ timeout: 900_000 }));
  if (meanwhile) await within(meanwhile());
  await within(page.getByRole('button', { name: 'Look at its concepts' }).waitFor({ timeout: 900_000 }));
  const device = (await page.locator('[role=status] b').first().textContent()) ?? '';
  return { device, r2: Number(await page.locator('.controls dt:text-is("R²") + dd').textContent()) };
}
