/** What became of the messages that we sent, read from the stanzas themselves. */
import { getBinaryNodeChildren } from 'baileys';
import { isIgnored } from './inbound.js';
import { isOneself } from './leniency.js';
import { kindOf, log } from './log.js';
import { isSentByUs } from './our_ids.js';

/** @typedef {import('./hearing.js').Ears} Ears */

/** Type of a receipt: the contract's word. Those that say nothing of a send are not here. @type {Record<string, string>} */
const WORDS = {
	'': 'delivered',
	delivery: 'delivered',
	inactive: 'delivered',
	read: 'read',
	played: 'read'
};

/**
 * Baileys tells the same as `messages.update`, but late: it holds its events back while it is busy,
 * for half a minute where a server never says that all of the past has come.
 *
 * @param {import('baileys').WASocket} socket
 * @param {Ears} ears
 */
export function listenToStatuses(socket, ears) {
	socket.ws.on('CB:ack,class:message', (/** @type {any} */ { attrs }) => {
		void tell(attrs.id, attrs.error ? 'failed' : 'sent', attrs.error ? Number(attrs.error) || null : null, ears);
	});
	socket.ws.on('CB:receipt', (/** @type {any} */ stanza) => {
		const { attrs } = stanza;
		const word = WORDS[attrs.type ?? ''];
		// Our own phone gets each text too; that it has it says nothing of the customer.
		if (word && attrs.from && !isIgnored(attrs.from) && !isOneself(attrs.from, ears.creds)) {
			idsOf(stanza).forEach((id) => void tell(id, word, null, ears));
		}
	});
}

/** @param {import('baileys').BinaryNode} stanza @returns {string[]} */
function idsOf(stanza) {
	const lists = [stanza, ...getBinaryNodeChildren(stanza, 'list')];
	const items = lists.flatMap((list) => getBinaryNodeChildren(list, 'item'));
	return [stanza.attrs.id, ...items.map(({ attrs }) => attrs.id)];
}

/** @param {string} waId @param {string} status @param {number | null} code @param {Ears} ears */
async function tell(waId, status, code, ears) {
	if (!isSentByUs(waId)) {
		return;
	}
	try {
		const opaque = await ears.opaqueOf(waId);
		if (opaque !== undefined) {
			const id = `s:${ears.session}:${waId}:${status}`;
			ears.events.tell({ id, session: ears.session, type: 'status', wa_id: waId, opaque, status, code });
		}
	} catch (error) {
		log('bridge.status.lost', { session: ears.session, ...kindOf(error) });
	}
}
