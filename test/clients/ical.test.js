// ical.js, a second implementation of iCalendar, reads what sede writes: it must
// find each meeting at its moment with nothing but the zones in the file.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import ICAL from 'ical.js';

import { withSede } from './support/run.js';

/** Days on which the clocks of the zone change, or would. */
const zones = {
  'Europe/Lisbon': ['2030-03-31', '2030-10-27'],
  'Europe/Warsaw': ['2030-03-31', '2030-10-27'],
  'America/Sao_Paulo': ['2018-02-18', '2018-11-04'],
  'Asia/Kathmandu': ['2030-03-31', '2030-10-27'],
  'Australia/Lord_Howe': ['2030-04-07', '2030-10-06'],
  'Africa/Casablanca': ['2025-02-23', '2025-04-06'],
};

const hour = 3_600_000;
const iso = (ms) => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;

withSede('ical.js', (running) => {
  let employee;
  const owner = 'owner@demo.example';

  async function send(method, path, body) {
    const answer = await fetch(running().url(path), {
      method,
      headers: { ...await running().headers(owner), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** The events of a calendar, whose zones are those of the file alone. */
  async function events(url, headers = {}) {
    const answer = await fetch(new URL(url, running().host), { headers });
    assert.equal(answer.status, 200, url);
    assert.equal(answer.headers.get('content-type'), 'text/calendar; charset=utf-8');
    ICAL.TimezoneService.reset();
    const calendar = new ICAL.Component(ICAL.parse(await answer.text()));
    for (const zone of calendar.getAllSubcomponents('vtimezone')) {
      ICAL.TimezoneService.register(zone);
    }
    return calendar.getAllSubcomponents('vevent').map((event) => new ICAL.Event(event));
  }

  const moment = (time) => time.toUnixTime() * 1000;
  const bearer = async () => ({ ...await running().headers(owner), accept: 'text/calendar' });

  before(async () => {
    employee = (await send('POST', '/employees', { firstName: 'Zoë', lastName: 'Ćwikła; "Z", \\ Ltd' }))['@id'].slice(running().prefix.length);
  });

  for (const [zone, days] of Object.entries(zones)) {
    test(`${zone}: times around both changes`, async () => {
      const place = await send('POST', '/locations', { name: `Office in ${zone}`, timeZone: zone, address: 'One line,\nanother; one' });
      const iri = (item) => running().prefix + item['@id'].slice(running().prefix.length);
      for (const day of days) {
        const first = Date.parse(`${day}T00:00:00Z`) - 24 * hour;
        const made = new Map();
        for (let at = first; at < first + 48 * hour; at += 1.5 * hour) {
          const meeting = await send('POST', '/meetings', {
            employee: iri({ '@id': running().prefix + employee }), location: iri(place), allowOverlap: true, duration: 90,
            dateFrom: iso(at), dateTo: iso(at + 2 * hour), time: iso(at), notes: `Ção; "${day}", \\n\n${'ł'.repeat(100)}`,
          });
          made.set(meeting.id, { at, notes: meeting.notes });
        }
        const query = `between[from]=${day.slice(0, 4)}-01-01&location=${encodeURIComponent(iri(place))}&itemsPerPage=100`;
        const found = await events(`${running().prefix}/meetings.ics?${query}`, await bearer());
        let seen = 0;
        for (const event of found) {
          const want = made.get(event.uid);
          if (!want) {
            continue; // of the other day
          }
          seen += 1;
          assert.equal(iso(moment(event.startDate)), iso(want.at));
          assert.equal(iso(moment(event.endDate)), iso(want.at + 1.5 * hour));
          assert.equal(event.description, want.notes);
          assert.equal(event.location, `Office in ${zone}, One line, another; one`);
          assert.equal(event.component.getFirstPropertyValue('status'), 'CONFIRMED');
          assert.ok(event.summary.endsWith('(Zoë Ćwikła; "Z", \\ Ltd)'), event.summary);
        }
        assert.equal(seen, made.size);
      }
    });
  }

  test('an item and a feed, before and after a change', async () => {
    const meeting = await send('POST', '/meetings', {
      employee: null, dateFrom: '2030-05-06T00:00:00+00:00', dateTo: '2030-05-11T00:00:00+00:00',
    });
    const url = `${running().prefix}/meetings/${meeting.id}.ics`;
    const [proposed] = await events(url, await bearer());
    assert.equal(proposed.component.getFirstPropertyValue('status'), 'TENTATIVE');
    assert.equal(proposed.component.getFirstPropertyValue('transp'), 'TRANSPARENT');
    assert.equal(iso(moment(proposed.startDate)), meeting.dateFrom);
    assert.equal(iso(moment(proposed.endDate)), meeting.dateTo);

    const removed = await fetch(running().url(`/meetings/${meeting.id}`), { method: 'DELETE', headers: await running().headers(owner) });
    assert.equal(removed.status, 204);
    const [cancelled] = await events(url, await bearer());
    assert.equal(cancelled.component.getFirstPropertyValue('status'), 'CANCELLED');
    assert.equal(cancelled.uid, proposed.uid);
    assert.ok(cancelled.sequence > proposed.sequence);

    const feed = await send('POST', '/meeting-feeds', { content: 'everything' });
    const fed = await events(new URL(feed.url).pathname); // the owner is no employee, and told when a consent ends
    assert.deepEqual(fed.map((event) => event.summary), ['The access to Sandbox bank Tejo ends']);
  });
});
