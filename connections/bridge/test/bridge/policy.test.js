import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cuts } from '../../src/cuts.js';
import { BACKOFF, backoffMs, react } from '../../src/policy.js';

const CUT = { code: 0, isLinked: true, hasOpened: true, cutMs: 0, tries: 0, restarts: 0, badSessions: 0, replacements: 0 };

test('back-off doubles from one second to ten for two minutes, then to sixty', () => {
	const ceilings = [0, 1, 2, 3, 4, 9].map((tries) => backoffMs(tries, 0, 1));

	assert.equal(BACKOFF.first, 1000);
	assert.deepEqual(ceilings, [1000, 2000, 4000, 8000, 10_000, 10_000]);
	assert.equal(backoffMs(9, 120_000, 1), 60_000);
	assert.equal(backoffMs(9, 120_000, 0.5), 30_000);
	assert.equal(backoffMs(5, 0, 0), 100);
});

for (const [code, more, next, state, reason] of /** @type {[number, any, string, string, string][]} */ ([
	[515, {}, 'retry', 'connecting', 'restart_required'],
	[515, { tries: 5 }, 'retry', 'connecting', 'restart_required'],
	[515, { restarts: 5 }, 'retry', 'backoff', 'restart_required'],
	[428, {}, 'retry', 'backoff', 'closed'],
	[408, {}, 'retry', 'backoff', 'timed_out'],
	[503, {}, 'retry', 'backoff', 'unavailable'],
	[0, {}, 'retry', 'backoff', 'lost'],
	[999, {}, 'retry', 'backoff', 'lost'],
	[400, { text: 'noise certificate signature invalid' }, 'retry', 'backoff', 'untrusted_server'],
	[500, { badSessions: 4 }, 'retry', 'backoff', 'bad_session'],
	[500, { badSessions: 5 }, 'rest', 'needs_human', 'bad_session'],
	[440, { replacements: 1 }, 'retry', 'replaced', 'opened_elsewhere'],
	[440, { replacements: 2 }, 'rest', 'replaced', 'opened_elsewhere'],
	[401, {}, 'erase', 'logged_out', 'unlinked'],
	[401, { isLinked: false }, 'rest', 'expired', 'refused'],
	[401, { hasOpened: false }, 'erase', 'expired', 'not_finished'],
	[402, { data: { code: '106', expire: '60' } }, 'rest', 'banned', 'broadcast_to_many'],
	[402, {}, 'rest', 'banned', 'banned'],
	[403, {}, 'rest', 'banned', 'locked'],
	[405, {}, 'retry', 'outdated', 'version_refused'],
	[406, {}, 'rest', 'banned', 'banned'],
	[409, {}, 'rest', 'needs_human', 'bad_user_agent'],
	[411, {}, 'rest', 'needs_human', 'multidevice_mismatch'],
	[429, {}, 'retry', 'backoff', 'too_many_requests'],
	[408, { isLinked: false, text: 'QR refs attempts ended' }, 'rest', 'expired', 'not_scanned'],
	[408, { isLinked: false }, 'retry', 'backoff', 'timed_out'],
	[428, { isLinked: false, tries: 8 }, 'rest', 'expired', 'no_connection']
])) {
	test(`${code} ${JSON.stringify(more)} becomes ${state} and ${next}`, () => {
		const reaction = react({ ...CUT, ...more, code }, 0.5);

		assert.deepEqual([reaction.next, reaction.state, reaction.reason], [next, state, reason]);
	});
}

test('each reaction has its time', () => {
	assert.equal(react({ ...CUT, code: 515 }, 1).delayMs, 0);
	assert.equal(react({ ...CUT, code: 440, replacements: 1 }, 1).delayMs, 60_000);
	assert.equal(react({ ...CUT, code: 405 }, 1).delayMs, 300_000);
	assert.equal(react({ ...CUT, code: 402, data: { expire: 60 } }, 1).untilMs, 60_000);
});

/**
 * The longest waits after lines that were each open for so long, half a second after one another.
 *
 * @param {import('node:test').TestContext} t
 * @param {number} openMs
 * @param {number} [code]
 */
function waits(t, openMs, code = 428) {
	t.mock.timers.enable({ apis: ['Date'], now: 1e12 });
	const cuts = new Cuts();
	const found = Array.from({ length: 60 }, () => {
		cuts.opened();
		t.mock.timers.tick(openMs);
		const { delayMs = 0 } = react(cuts.next({ output: { statusCode: code } }, CUT), 1);
		t.mock.timers.tick(delayMs + 500);
		return delayMs;
	});
	t.mock.timers.reset();
	return found;
}

test('a line that held comes back at once, however often it is cut; one that opens only briefly waits', (t) => {
	assert.deepEqual(new Set(waits(t, 40_000)), new Set([1000]));
	assert.deepEqual(new Set(waits(t, 40_000, 515)), new Set([0]));
	assert.deepEqual(waits(t, 2000).slice(0, 5), [1000, 2000, 4000, 8000, 10_000]);
	assert.equal(Math.max(...waits(t, 2000)), 10_000);
	assert.equal(Math.max(...waits(t, 100)), 60_000);
	assert.deepEqual(waits(t, 100, 515).slice(0, 6), [0, 0, 0, 0, 0, 10_000]);
});

test('a restart that the server asked for is no try of ours', () => {
	const cuts = new Cuts();

	const codes = [515, 515, 428, 515, 428].map((statusCode) => cuts.next({ output: { statusCode } }, CUT));

	assert.deepEqual(codes.map(({ tries }) => tries), [0, 0, 0, 1, 1]);
	assert.deepEqual(codes.map(({ restarts }) => restarts), [0, 1, 2, 2, 3]);
});
