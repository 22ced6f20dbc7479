import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { messageEvent, undecryptableEvent } from '../../src/inbound.js';
import { readRequest, Refused } from '../../src/outbound.js';
import { isSigned, sign } from '../../src/signatures.js';

const FOLDER = new URL('../../contract/', import.meta.url);

/** @param {string} name @returns {any} */
function example(name) {
	return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
}

const names = readdirSync(FOLDER).map((name) => name.replace('.json', ''));

test('each request of the contract can be read', () => {
	for (const name of names.filter((one) => one.startsWith('request-'))) {
		assert.equal(readRequest(example(name)).opaque, example(name).opaque);
	}
});

test('a message becomes the very event of the contract', () => {
	const { at, ...expected } = example('event-message');
	const heard = {
		key: { remoteJid: expected.chat, remoteJidAlt: '2348098765432@s.whatsapp.net', id: expected.wa_id, fromMe: false },
		message: { conversation: expected.text },
		sentAt: Date.parse(expected.sent_at) / 1000,
		name: expected.name,
		isOffline: false
	};

	assert.deepEqual(messageEvent(expected.session, heard), expected);
	const { at: then, ...unread } = example('event-undecryptable');
	assert.deepEqual(undecryptableEvent(expected.session, { ...heard.key, id: unread.wa_id }), unread);
	const { at: moment, ...own } = example('event-own_message');
	const message = { extendedTextMessage: { text: own.text, contextInfo: { stanzaId: own.reply_to } } };
	const sentAt = Date.parse(own.sent_at) / 1000;
	assert.deepEqual(
		messageEvent(own.session, { ...heard, key: { ...heard.key, id: own.wa_id, fromMe: true }, message, sentAt }),
		own
	);
	assert.ok([at, then, moment].every((one) => new Date(one).toISOString() === one));
});

test('each refusal has its status', () => {
	for (const name of names.filter((one) => one.startsWith('answer-') && one !== 'answer-taken' && one !== 'answer-probed')) {
		const { status, body } = example(name);
		const refused = new Refused(status, body.error, body.detail, body.code);
		assert.deepEqual(refused.answer, body);
	}
});

test('the signature is the one that Backroom makes', () => {
	const { secret, body, now, header } = example('signature');

	assert.equal(sign(secret, body, now), header);
	assert.ok(isSigned(secret, Buffer.from(body), header, now));
});
