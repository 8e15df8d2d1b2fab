// jsonld expands every collection and every item in safe mode, which fails as
// soon as anything would be lost, with nothing but sede's own contexts.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import jsonld from 'jsonld';

import { resources } from './support/contract.js';
import { withSede } from './support/run.js';

const hydra = 'http://www.w3.org/ns/hydra/core#';

withSede('jsonld', (running) => {
  let entrypoint;
  before(async () => { entrypoint = await running().get(`${running().prefix}/`); });

  /** Fetches contexts from sede; anything elsewhere is refused. */
  async function documentLoader(url) {
    if (!url.startsWith(`${running().entrypoint}/`)) {
      throw new Error(`a document of somebody else is needed: ${url}`);
    }
    return { document: await running().get(url), documentUrl: url, contextUrl: null };
  }

  const expand = (document, url) => jsonld.expand(document, { base: new URL(url, running().host).href, documentLoader, safe: true });

  /** The property that a key of a document stands for, once expanded. */
  async function meaningOf(context, key) {
    const [expanded] = await jsonld.expand({ '@context': context, [key]: { '@id': 'http://there/' } }, { documentLoader, base: running().host });
    return Object.keys(expanded)[0];
  }

  /** Fails unless every value of the item is in the expanded item. */
  async function checkItem(item, expanded, expected) {
    const context = item['@context'] ?? `${running().prefix}/contexts/${expected.name}`;
    const contextURL = new URL(context, running().host).href;
    assert.equal(expanded['@id'], new URL(item['@id'], running().host).href);
    assert.equal(expanded['@type'].length, [item['@type']].flat().length);
    for (const [key, value] of Object.entries(item)) {
      if (key.startsWith('@') || value === null) {
        continue; // JSON-LD has no null
      }
      const property = await meaningOf(contextURL, key);
      const found = expanded[property];
      assert.ok(found, `${expected.name}.${key} (${property}) is lost`);
      assert.equal(found.length, [value].flat().length, `${expected.name}.${key}`);
      const text = expected.fields[key];
      if (text?.includes('iri:')) {
        for (const [i, iri] of [value].flat().entries()) {
          assert.equal(found[i]['@id'], new URL(iri, running().host).href, `${expected.name}.${key} is a link`);
        }
      }
    }
  }

  test('the entrypoint', async () => {
    const [expanded] = await expand(entrypoint, `${running().prefix}/`);
    const keys = Object.keys(entrypoint).filter((key) => !key.startsWith('@'));
    assert.equal(Object.keys(expanded).filter((key) => !key.startsWith('@')).length, keys.length);
    assert.deepEqual(expanded['@type'], [running().url('/docs.jsonld#Entrypoint')]);
  });

  test('the documentation, in which every class that is named is defined', async () => {
    const url = running().url('/docs.jsonld');
    const [expanded] = await expand(await running().get(url), url);
    const classes = expanded[`${hydra}supportedClass`].map((each) => each['@id']);
    for (const { name } of Object.values(resources)) {
      assert.ok(classes.includes(`${url}#${name}`), name);
    }
  });

  for (const [path, expected] of Object.entries(resources)) {
    const reader = expected.reader ?? 'owner@demo.example';

    test(`${path}: the collection`, async () => {
      const url = running().url(`/${path}`);
      const collection = await running().get(`${url}?itemsPerPage=2`, reader);
      const [expanded] = await expand(collection, url);
      assert.deepEqual(expanded['@type'], [`${hydra}Collection`]);
      assert.equal(expanded[`${hydra}totalItems`][0]['@value'], collection['hydra:totalItems']);
      const members = expanded[`${hydra}member`];
      assert.equal(members.length, collection['hydra:member'].length);
      for (const [i, item] of collection['hydra:member'].entries()) {
        await checkItem(item, members[i], expected);
      }
      if (collection['hydra:totalItems'] > 2) {
        assert.equal(expanded[`${hydra}view`][0][`${hydra}next`].length, 1);
      }
      if (expected.filters.length > 0) {
        assert.ok(expanded[`${hydra}search`][0][`${hydra}mapping`].length >= expected.filters.length, 'the search template');
      }
    });

    test(`${path}: its items`, async () => {
      const collection = await running().get(running().url(`/${path}?itemsPerPage=100`), reader);
      assert.ok(expected.mayBeEmpty || collection['hydra:member'].length > 0, 'there are none');
      for (const { '@id': iri } of collection['hydra:member']) {
        const item = await running().get(iri, reader);
        const [expanded] = await expand(item, iri);
        await checkItem(item, expanded, expected);
      }
    });
  }

  test('an error and a violation', async () => {
    const headers = { ...await running().headers('owner@demo.example'), 'content-type': 'application/json', accept: 'application/ld+json' };
    const missing = await fetch(running().url('/locations/none'), { headers });
    const [error] = await expand(await missing.json(), missing.url);
    assert.equal(error[`${hydra}description`][0]['@value'], 'Not Found');
    const refused = await fetch(running().url('/locations'), { method: 'POST', headers, body: '{"name":""}' });
    assert.equal(refused.status, 422);
    const [violated] = await expand(await refused.json(), refused.url);
    const key = Object.keys(violated).find((each) => each.endsWith('violations'));
    assert.ok(Object.keys(violated[key][0]).some((each) => each.endsWith('#propertyPath')));
  });
});
