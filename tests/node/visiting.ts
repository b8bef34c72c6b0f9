// The second chapter: a customer looks, keeps a time, books, moves and cancels, while a dashboard and an app look on.
import assert from 'node:assert/strict';

import { done, present } from './answer.js';
import type { Cast, Offer } from './cast.js';
import { at } from './day.js';
import * as run from './operations.js';
import type { Stream } from './stream.js';

const ONE_DAY = { from: at('00:00'), to: at('00:00', 1) };
const KARI = { name: 'Kari Nordmann', email: 'kari@example.no' };

type Days = run.AvailabilityQuery['availability']['days'];

function starts(days: Days): string[] {
  return days.flatMap(({ slots }) => slots.map(({ start }) => start));
}

export async function visiting(cast: Cast, offer: Offer): Promise<void> {
  const wanted = { serviceId: offer.massage, timeZone: 'UTC', ...ONE_DAY };
  const { availability } = await look(cast, wanted);
  assert.equal(starts(availability.days)[0], at('09:00'));

  const offered = cast.customer.subscribe(run.AvailabilityChangesDocument, wanted);
  assert.deepEqual(starts((await offered.next()).availabilityChanges.days), starts(availability.days));
  const { calendar } = await cast.staff.query(run.CalendarDocument, { ...ONE_DAY, optionIds: [offer.cara] });
  assert.deepEqual(calendar.entries, []);
  const changes = cast.staff.subscribe(run.CalendarChangesDocument, { after: calendar.cursor });

  await keepAndRelease(cast, offer, changes);
  const { id, manageToken } = await book(cast, offer);
  await offered.until(({ availabilityChanges }) => !starts(availabilityChanges.days).includes(at('10:00')));
  const booked = await changes.until(({ calendarChanges }) => calendarChanges.entryId === id);
  const entry = present(booked.calendarChanges.entry);
  assert.ok(entry.__typename === 'Booking');
  assert.deepEqual([entry.customer?.name, entry.start, entry.service.name], [KARI.name, at('10:00'), 'Massage']);

  await changeOnesMind(cast, id, manageToken);
  await offered.until(({ availabilityChanges }) => starts(availabilityChanges.days).includes(at('10:00')));
  offered.stop();
  changes.stop();
}

async function look({ customer }: Cast, wanted: run.AvailabilityQueryVariables): Promise<run.AvailabilityQuery> {
  const { services } = await customer.query(run.ServicesDocument, {});
  const massage = present(services.nodes.find(({ id }) => id === wanted.serviceId));
  assert.deepEqual(massage.options.map(({ name, kind }) => [name, kind]), [['Cara', 'PERSON']]);
  return customer.query(run.AvailabilityDocument, wanted);
}

/** Keeps a time, and lets it go; a dashboard sees both. */
async function keepAndRelease(
  { customer }: Cast,
  { massage }: Offer,
  changes: Stream<run.CalendarChangesSubscription>,
): Promise<void> {
  const wanted = { serviceId: massage, start: at('09:00') };
  const { hold } = done((await customer.mutate(run.HoldDocument, { input: wanted })).createHold);
  assert.deepEqual([hold?.start, hold?.end, hold?.option.name], [at('09:00'), at('10:00'), 'Cara']);
  const kept = (await changes.next()).calendarChanges;
  assert.deepEqual([kept.action, kept.entryId, kept.entry?.__typename], ['UPSERTED', hold?.id, 'Hold']);

  const holdId = present(hold).id;
  const released = done((await customer.mutate(run.ReleaseDocument, { input: { holdId } })).releaseHold);
  assert.equal(released.releasedId, holdId);
  const gone = (await changes.next()).calendarChanges;
  assert.deepEqual([gone.action, gone.entryId, gone.entry], ['REMOVED', holdId, null]);
}

/** Books what was kept, and is refused what is no longer free. */
async function book({ customer }: Cast, { massage }: Offer): Promise<{ id: string; manageToken: string }> {
  const wanted = { serviceId: massage, start: at('10:00') };
  const { createHold } = await customer.mutate(run.HoldDocument, { input: wanted });
  const holdId = present(done(createHold).hold).id;
  const { createBooking } = await customer.mutate(run.BookDocument, { input: { holdId, customer: KARI } });
  const { booking, manageToken } = done(createBooking);
  assert.deepEqual([booking?.status, booking?.start, booking?.version], ['CONFIRMED', at('10:00'), 1]);

  const late = await customer.mutate(run.BookDocument, { input: { ...wanted, customer: KARI } });
  const refused = present(late.createBooking);
  assert.deepEqual(refused.errors.map(({ code }) => code), ['SLOT_TAKEN']);
  assert.equal(refused.booking, null);
  assert.ok(refused.alternatives.length > 0);
  return { id: present(booking).id, manageToken: present(manageToken) };
}

async function changeOnesMind({ customer }: Cast, id: string, manageToken: string): Promise<void> {
  const { managedBooking } = await customer.query(run.ManagedBookingDocument, { manageToken });
  assert.deepEqual([managedBooking?.id, managedBooking?.option.name], [id, 'Cara']);
  const mine = customer.subscribe(run.BookingChangesDocument, { manageToken });
  const { bookingChanges } = await mine.next();
  assert.deepEqual([bookingChanges.id, bookingChanges.version], [id, managedBooking?.version]);

  const moving = { bookingId: id, manageToken, start: at('14:00') };
  const moved = done((await customer.mutate(run.MoveDocument, { input: moving })).rescheduleBooking);
  assert.deepEqual([moved.booking?.start, moved.booking?.end], [at('14:00'), at('15:00')]);
  assert.equal((await mine.next()).bookingChanges.start, at('14:00'));

  const leaving = { bookingId: id, manageToken, reason: 'Ill' };
  const cancelled = done((await customer.mutate(run.CancelDocument, { input: leaving })).cancelBooking);
  assert.equal(cancelled.booking?.status, 'CANCELLED');
  assert.equal((await mine.next()).bookingChanges.status, 'CANCELLED');
  mine.stop();
}
