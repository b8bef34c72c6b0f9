// The first chapter: staff make what can be booked, and change what they made.
import assert from 'node:assert/strict';

import { done, present } from './answer.js';
import type { Cast, Offer } from './cast.js';
import * as run from './operations.js';

const WEEK: readonly run.Weekday[] = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];
const CHRISTMAS = '2027-12-24';

function daily(opens: string, closes: string): run.OpeningHoursInput[] {
  return WEEK.map((weekday) => ({ weekday, opens, closes }));
}

export async function offering(cast: Cast): Promise<Offer> {
  const offer = await make(cast);
  await change(cast, offer);

  const home = await cast.staff.query(run.HomeDocument, {});
  assert.deepEqual([home.viewer.role, home.viewer.business.slug], ['STAFF', 'studio']);
  const cara = present(home.options.nodes.find(({ id }) => id === offer.cara));
  assert.deepEqual([cara.name, cara.color, cara.description, cara.google], ['Cara', '#336699', null, null]);
  assert.deepEqual(cara.services.map(({ id }) => id), [offer.massage]);
  const massage = present(home.services.nodes.find(({ id }) => id === offer.massage));
  assert.deepEqual([massage.durationMinutes, massage.price?.amount, massage.price?.currency], [60, '750.00', 'NOK']);
  assert.equal(home.options.totalCount, home.options.nodes.length);
  return offer;
}

async function make({ staff }: Cast): Promise<Offer> {
  const service = { name: 'Massage', durationMinutes: 90, price: { amount: '750.00', currency: 'NOK' } };
  const made = done((await staff.mutate(run.CreateServiceDocument, { input: service })).createService);
  assert.equal(made.service?.durationMinutes, 90);
  const massage = present(made.service).id;

  const person: run.CreateOptionInput = {
    name: 'Clara',
    kind: 'PERSON',
    description: 'New here',
    timeZone: 'UTC',
    serviceIds: [massage],
    openingHours: daily('10:00', '16:00'),
  };
  const hired = done((await staff.mutate(run.CreateOptionDocument, { input: person })).createOption);
  assert.deepEqual([hired.option?.kind, hired.option?.timeZone, hired.option?.active], ['PERSON', 'UTC', true]);
  return { massage, cara: present(hired.option).id };
}

async function change({ staff }: Cast, { massage, cara }: Offer): Promise<void> {
  const shorter = { serviceId: massage, durationMinutes: 60, slotStepMinutes: 60 };
  const shortened = done((await staff.mutate(run.UpdateServiceDocument, { input: shorter })).updateService);
  assert.equal(shortened.service?.durationMinutes, 60);

  const other = { optionId: cara, name: 'Cara', color: '#336699', description: null };
  const renamed = done((await staff.mutate(run.UpdateOptionDocument, { input: other })).updateOption);
  assert.equal(renamed.option?.name, 'Cara');

  const longer = { optionId: cara, openingHours: daily('09:00', '17:00') };
  const opened = done((await staff.mutate(run.SetOpeningHoursDocument, { input: longer })).setOpeningHours);
  const open = present(opened.option).openingHours;
  assert.deepEqual(open.map(({ weekday, opens, closes }) => ({ weekday, opens, closes })), longer.openingHours);

  const early = { optionId: cara, date: CHRISTMAS, intervals: [{ opens: '09:00', closes: '12:00' }] };
  const set = done((await staff.mutate(run.SetDateOverrideDocument, { input: early })).setDateOverride);
  const [override] = present(set.option).dateOverrides;
  assert.deepEqual([override?.date, override?.intervals[0]?.closes], [CHRISTMAS, '12:00']);
}
