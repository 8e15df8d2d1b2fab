// Clients generated from the OpenAPI document compile and work: types for
// TypeScript by openapi-typescript, and a Go client by oapi-codegen.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { before, test } from 'node:test';
import { promisify } from 'node:util';

import openapiTS, { astToString } from 'openapi-typescript';

import { withSede } from './support/run.js';

const run = promisify(execFile);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Runs a command, and fails with what it printed. */
async function succeed(command, args, options) {
  try {
    return (await run(command, args, options)).stdout;
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}:\n${error.stdout}${error.stderr}`);
  }
}

withSede('generated clients', (running, setting) => {
  if (setting.prefix) {
    return; // the document's paths carry the prefix; all else is the same
  }
  let document;
  const build = at(`.build/${setting.name}/`);

  before(async () => {
    document = await running().get('/docs.jsonopenapi', '', 'application/vnd.openapi+json');
    await rm(build, { recursive: true, force: true });
    await mkdir(build, { recursive: true });
  });

  test('openapi-typescript: an application compiles strictly, and works', async () => {
    await cp(at('typed'), `${build}typed`, { recursive: true });
    await writeFile(`${build}typed/schema.ts`, astToString(await openapiTS(document)));
    await succeed(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', `${build}typed`, '--noEmitOnError', '--outDir', `${build}typed/out`]);
    const { exercise } = await import(pathToFileURL(`${build}typed/out/client.js`));
    const report = await exercise(running().entrypoint, await running().token('owner@demo.example'));
    assert.equal(report.created.name, 'Typed office');
    assert.deepEqual(report.fetched, report.created);
    assert.equal(report.open, null);
    assert.equal(report.changed.address, 'Rua Nova 1');
    assert.deepEqual(report.found, ['Typed office']);
    assert.equal(report.total, 1);
    assert.deepEqual(report.refused, ['name: This value should not be blank.']);
    assert.equal(report.missing, 'Not Found');
  });

  test('oapi-codegen: the client compiles and gets a location', async () => {
    const folder = `${build}goclient`;
    await cp(at('goclient'), folder, { recursive: true });
    await mkdir(`${folder}/api`);
    await writeFile(`${folder}/openapi.json`, JSON.stringify(document));
    const cwd = { cwd: folder };
    await succeed('go', ['tool', 'oapi-codegen', '-generate', 'types,client', '-package', 'api', '-o', 'api/api.go', 'openapi.json'], cwd);
    await succeed('go', ['vet', './...'], cwd);
    const printed = await succeed('go', ['run', '.', running().entrypoint, await running().token('owner@demo.example')], cwd);
    assert.equal(printed.trim(), 'Generated office');
  });
});
