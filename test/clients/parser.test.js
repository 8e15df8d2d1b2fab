// @api-platform/api-doc-parser finds every resource, field and operation in the
// Hydra documentation and in the OpenAPI document.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseHydraDocumentation, parseOpenApi3Documentation } from '@api-platform/api-doc-parser';

import { resources, shape } from './support/contract.js';
import { withSede } from './support/run.js';

/** Fails when the parser complains on the console, as it does about resources it gives up. */
async function quietly(work) {
  const said = [];
  const { error, warn } = console;
  console.error = console.warn = (...text) => said.push(text.join(' '));
  try {
    return await work();
  } finally {
    Object.assign(console, { error, warn });
    assert.deepEqual(said, []);
  }
}

/** The operations as { type: [methods] }. */
function operationsOf(resource) {
  const found = {};
  for (const { type, method } of resource.operations) {
    (found[type] ??= new Set()).add(method);
  }
  return found;
}

function checkOperations(resource, expected) {
  const found = operationsOf(resource);
  for (const [type, method] of Object.entries(expected)) {
    assert.ok(found[type]?.has(method), `${resource.name}: no ${type} by ${method}`);
  }
  for (const type of ['create', 'edit', 'delete']) {
    assert.ok(type in expected || !(type in found), `${resource.name}: unexpected ${type}`);
  }
}

withSede('api-doc-parser', (running) => {
  const parsed = {};
  const hydra = () => (parsed.hydra ??= quietly(async () => (await parseHydraDocumentation(running().entrypoint)).api));
  const openAPI = () => (parsed.openAPI ??= quietly(async () => (await parseOpenApi3Documentation(running().url('/docs.jsonopenapi'))).api));
  const find = (api, name) => api.resources.find((resource) => resource.name === name);

  test('the entrypoint leads to every resource', async () => {
    const api = await hydra();
    assert.deepEqual(Object.keys(resources).filter((name) => !find(api, name)), []);
    const entrypoint = await running().get(`${running().prefix}/`);
    const links = Object.keys(entrypoint).filter((key) => !key.startsWith('@'));
    assert.equal(api.resources.length, links.length);
    assert.equal(api.entrypoint, running().entrypoint);
  });

  test('the OpenAPI document has every resource', async () => {
    const api = await openAPI();
    assert.deepEqual(Object.keys(resources).filter((name) => !find(api, name)), []);
  });

  for (const [name, expected] of Object.entries(resources)) {
    test(`Hydra: ${name}, its fields`, async () => {
      const api = await hydra();
      const resource = find(api, name);
      assert.equal(resource.title, expected.name);
      assert.equal(resource.url, running().url(`/${name}`));
      const changes = 'create' in expected.operations || 'edit' in expected.operations;
      for (const [field, text] of Object.entries(expected.fields)) {
        const { writable, ...others } = shape(text);
        checkHydraField(resource, field, { writable: writable && changes, ...others });
      }
    });

    test(`Hydra: ${name}, its operations`, async () => {
      checkOperations(find(await hydra(), name), expected.operations);
    });

    test(`Hydra: ${name}, its filters`, async () => {
      const signedIn = await running().headers(expected.reader ?? 'owner@demo.example');
      const { api } = await parseHydraDocumentation(running().entrypoint, { headers: signedIn });
      const parameters = await find(api, name).getParameters();
      const found = parameters.map((parameter) => parameter.variable);
      assert.deepEqual(expected.filters.filter((variable) => !found.includes(variable)), []);
    });

    test(`OpenAPI: ${name}, its fields`, async () => {
      const resource = find(await openAPI(), name);
      const document = await running().get(running().url('/docs.jsonopenapi'), '', 'application/vnd.openapi+json');
      const schema = document.components.schemas[expected.name];
      for (const [field, text] of Object.entries(expected.fields)) {
        checkOpenAPIField(resource, schema, field, shape(text));
      }
    });

    test(`OpenAPI: ${name}, its operations`, async () => {
      checkOperations(find(await openAPI(), name), expected.operations);
    });

    test(`OpenAPI: ${name}, its filters`, async () => {
      const found = find(await openAPI(), name).parameters.map((parameter) => parameter.variable);
      assert.deepEqual(expected.filters.filter((variable) => !found.includes(variable)), []);
    });

    test(`${name}: both documents have the same fields, and no more than items have`, async () => {
      const inHydra = find(await hydra(), name).fields.map((field) => field.name);
      const inOpenAPI = find(await openAPI(), name).fields.map((field) => field.name);
      if (expected.fields.id.startsWith('=')) {
        inHydra.push('id'); // Hydra's identifier of an item is its @id
      }
      assert.deepEqual(inHydra.sort(), inOpenAPI.sort());
      const collection = await running().get(running().url(`/${name}`), expected.reader ?? 'owner@demo.example');
      for (const item of collection['hydra:member']) {
        const keys = Object.keys(item).filter((key) => !key.startsWith('@'));
        assert.deepEqual(keys.sort(), inOpenAPI);
      }
    });
  }
});

function checkHydraField(resource, name, expected) {
  const where = `${resource.name}.${name}`;
  const field = resource.fields.find((each) => each.name === name);
  if (name === 'id' && !expected.required) {
    assert.equal(field, undefined, `${where}: an identifier that sede makes is no property`);
    return;
  }
  assert.ok(field, `${where}: not found`);
  assert.equal(!!field.required, expected.required, `${where}: required`);
  assert.equal(resource.readableFields.includes(field), expected.readable, `${where}: readable`);
  assert.equal(resource.writableFields.includes(field), expected.writable, `${where}: writable`);
  if (expected.target) {
    assert.equal(field.reference?.title, expected.target, `${where}: reference`);
    assert.equal(field.maxCardinality, expected.list ? null : 1, `${where}: cardinality`);
  }
  const scalar = { string: 'string', integer: 'integer', boolean: 'boolean', dateTime: 'dateTime', email: 'email' }[expected.type];
  if (scalar) {
    assert.equal(field.type, scalar, `${where}: type`);
  }
}

function checkOpenAPIField(resource, schema, name, expected) {
  const where = `${resource.name}.${name}`;
  const field = resource.fields.find((each) => each.name === name);
  assert.ok(field, `${where}: not found`);
  assert.equal(field.required, expected.required, `${where}: required`);
  assert.equal(resource.writableFields.some((each) => each.name === name), expected.writable, `${where}: writable`);
  // The parser reads no types that admit null, so these are compared with the document.
  const property = schema.properties[name];
  const types = [property.type].flat();
  assert.equal(types.includes('null'), expected.nullable, `${where}: null`);
  const type = { dateTime: 'string', iri: 'string', email: 'string' }[expected.type] ?? expected.type;
  assert.equal(types[0], expected.list ? 'array' : type, `${where}: type`);
  const items = expected.list ? property.items : property;
  const element = items.oneOf?.at(-1) ?? items; // entries may have a short form; the whole one comes last
  assert.equal([element.type].flat()[0], type, `${where}: type of the elements`);
  const format = { dateTime: 'date-time', iri: 'iri-reference', email: 'email' }[expected.type];
  if (format) {
    assert.equal(element.format, format, `${where}: format`);
  }
}
