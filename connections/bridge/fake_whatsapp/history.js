/** What the owner's phone tells a newly linked device about earlier chats: who they were with, not what was said. */
import { deflateSync } from 'node:zlib';
import { proto } from 'baileys';

/**
 * @param {import('./people.js').Account} account
 * @param {import('./people.js').Directory} people
 * @returns {proto.IMessage}
 */
export function historyMessage(account, people) {
	const { INITIAL_BOOTSTRAP } = proto.HistorySync.HistorySyncType;
	const customers = [...people.customers.values()];
	const knownNumbers = customers.filter((customer) =>
		Object.values(customer.sent).some((sent) => sent.account === account.phone && !sent.hidesPhone)
	);
	const history = proto.HistorySync.encode({
		syncType: INITIAL_BOOTSTRAP,
		chunkOrder: 1,
		progress: 100,
		phoneNumberToLidMappings: knownNumbers.map((customer) => ({
			pnJid: customer.jid('phone'),
			lidJid: customer.jid('lid')
		}))
	}).finish();
	return {
		protocolMessage: {
			type: proto.Message.ProtocolMessage.Type.HISTORY_SYNC_NOTIFICATION,
			historySyncNotification: {
				syncType: INITIAL_BOOTSTRAP,
				chunkOrder: 1,
				progress: 100,
				initialHistBootstrapInlinePayload: deflateSync(history)
			}
		}
	};
}
