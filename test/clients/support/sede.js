// Starts sede as a process of its own, as an operator would, and stops it.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { throwAwayDatabase } from './postgres.js';

/** Where `npm test` builds sede before the tests run. */
const binary = fileURLToPath(new URL('../.build/sede', import.meta.url));

/**
 * The ways in which sede is run. Each test file runs all of its tests against
 * every one. PostgreSQL is there when SEDE_TEST_POSTGRES names a server on
 * which databases can be made.
 */
export const settings = [
  { name: 'SQLite', prefix: '', env: {} },
  { name: 'SQLite, under /api, keys spelled both ways', prefix: '/api', env: { SEDE_API_PREFIX: '/api', SEDE_HYDRA_KEYS: 'both' } },
];
if (process.env.SEDE_TEST_POSTGRES) {
  settings.push({ name: 'PostgreSQL', prefix: '', env: {}, postgres: process.env.SEDE_TEST_POSTGRES });
}

/** A TCP port nobody listens on just now. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts sede with its demo organization and returns once it is ready, at most
 * 20 seconds later; fails with what sede printed otherwise.
 */
export async function startSede(setting) {
  const data = await mkdtemp(join(tmpdir(), 'sede-clients-'));
  const port = await freePort();
  const password = randomBytes(12).toString('base64url');
  const database = setting.postgres ? await throwAwayDatabase(setting.postgres) : undefined;
  const env = {
    PATH: process.env.PATH,
    SEDE_LISTEN: `127.0.0.1:${port}`,
    SEDE_DATA: data,
    SEDE_DEMO_PASSWORD: password,
    ...(database ? { SEDE_DATABASE: database.url } : {}),
    ...setting.env,
  };
  const child = spawn(binary, ['serve', '--demo'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => { printed += text; });
  }
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const host = `http://127.0.0.1:${port}`;

  async function stop() {
    child.kill('SIGTERM');
    await Promise.race([exited, sleep(10_000).then(() => child.kill('SIGKILL'))]);
    await database?.drop();
    await rm(data, { recursive: true, force: true });
  }
  try {
    await ready(host, child, () => printed);
  } catch (error) {
    await stop();
    throw error;
  }
  return new Sede(host, setting.prefix, password, stop);
}

async function ready(host, child, printed) {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (child.exitCode !== null) {
      throw new Error(`sede ended with code ${child.exitCode}:\n${printed()}`);
    }
    const answer = await fetch(`${host}/readyz`).catch(() => undefined);
    if (answer?.ok) {
      return;
    }
    await sleep(50);
  }
  throw new Error(`sede was not ready in 20 seconds:\n${printed()}`);
}

/** A running sede. */
class Sede {
  #password;
  #tokens = new Map();

  constructor(host, prefix, password, stop) {
    this.host = host;
    this.prefix = prefix;
    /** The URL that clients are given: the entrypoint without a slash. */
    this.entrypoint = host + prefix;
    this.#password = password;
    this.stop = stop;
  }

  /** The absolute URL of a path without the prefix, e.g. /locations. */
  url(path) {
    return this.entrypoint + path;
  }

  /** The token of a demo account, e.g. owner@demo.example; signs in once. */
  async token(username) {
    if (!this.#tokens.has(username)) {
      const answer = await fetch(this.url('/login'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username, password: this.#password }),
      });
      const body = await answer.json();
      if (!answer.ok) {
        throw new Error(`sign-in of ${username}: ${answer.status} ${JSON.stringify(body)}`);
      }
      this.#tokens.set(username, body.token);
    }
    return this.#tokens.get(username);
  }

  /** The headers of a signed-in caller. */
  async headers(username) {
    return { Authorization: `Bearer ${await this.token(username)}` };
  }

  /** GETs a URL as JSON of the media type, and fails unless it answers 200. */
  async get(url, username, accept = 'application/ld+json') {
    const headers = { Accept: accept, ...(username ? await this.headers(username) : {}) };
    const answer = await fetch(new URL(url, this.host), { headers });
    if (answer.status !== 200) {
      throw new Error(`GET ${url}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  }
}
