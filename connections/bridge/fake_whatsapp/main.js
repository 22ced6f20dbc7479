/** Runs the local WhatsApp server: `node connections/bridge/fake_whatsapp/main.js --help`. */
import { parseArgs } from 'node:util';
import { startControl } from './control.js';
import { hushLibsignal } from './hush.js';
import { FakeWhatsApp } from './server.js';

const HELP = `Usage: main.js --port N --control-port M [--state FILE] [--account PHONE=NAME]... [--customer PHONE=NAME]...

A WhatsApp server on this machine, for tests and for trying things out. Linked devices
connect to it instead of to WhatsApp; its control API plays the phones.

  --port N               where linked devices connect (0: any free port)
  --control-port M       where the control API listens (0: any free port); GET / lists it
  --state FILE           keep accounts, devices and keys in FILE over restarts
  --account PHONE=NAME   an account to begin with
  --customer PHONE=NAME  a customer to begin with
  --help                 show this

When it is ready it prints one line: the word "ready" and a JSON object with "url",
"rootKey" (hex; what clients must trust) and "control". It ends on SIGTERM and SIGINT.
`;

const { values } = parseArgs({
	options: {
		port: { type: 'string', default: '0' },
		'control-port': { type: 'string', default: '0' },
		state: { type: 'string' },
		account: { type: 'string', multiple: true, default: [] },
		customer: { type: 'string', multiple: true, default: [] },
		help: { type: 'boolean', default: false }
	}
});

if (values.help) {
	process.stdout.write(HELP);
} else {
	await run();
}

async function run() {
	hushLibsignal();
	const server = await new FakeWhatsApp({ port: Number(values.port), stateFile: values.state }).start();
	for (const [phone, name] of values.account.map(split)) {
		if (!server.people.accounts.has(phone)) {
			server.desk.addAccount({ phone, name });
		}
	}
	for (const [phone, name] of values.customer.map(split)) {
		if (!server.people.customers.has(phone)) {
			server.desk.addCustomer({ phone, name });
		}
	}
	const control = await startControl(server.desk, Number(values['control-port']));
	const { port } = /** @type {import('node:net').AddressInfo} */ (control.address());
	const ready = { url: server.url, rootKey: server.rootKey, control: `http://127.0.0.1:${port}` };
	process.stdout.write(`ready ${JSON.stringify(ready)}\n`);
	for (const signal of ['SIGTERM', 'SIGINT']) {
		process.once(signal, async () => {
			control.close();
			control.closeAllConnections();
			await server.stop();
			process.exit(0);
		});
	}
}

/** @param {string} pair @returns {[string, string]} digits and name */
function split(pair) {
	const [phone, ...name] = pair.split('=');
	return [phone.replace(/\D/g, ''), name.join('=')];
}
