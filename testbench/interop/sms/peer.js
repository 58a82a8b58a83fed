// node-smpp in any role: it sends what it is told, PDU by PDU, and prints every
// PDU that it gets as one JSON event a line.
//   peer.js smsc ALPHABET NAME                 listens as an SMSC
//   peer.js esme ALPHABET PORT ID PASSWORD     binds as a transceiver
//   peer.js outbind ALPHABET PORT ID PASSWORD  connects as an SMSC that sends outbind
// ALPHABET is what data_coding 0 means to it: ASCII (GSM 7 bit), LATIN1 or UCS2.
// Commands, one JSON object a line:
//   {"send": "submit_sm", "fields": {...}, "tag": "..."}  hex in "udh" goes before the text,
//                                                         which "national" names a language for
//   {"answer": {"cancel_sm": {...}}}                      fields of the responses to come
//   {"delay": 100}                                        milliseconds before each of them
'use strict';
const smpp = require('smpp');
const readline = require('readline');

const emit = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const [role, alphabet, ...args] = process.argv.slice(2);
smpp.encodings.default = alphabet;
smpp.addTLV('vendor', { id: 0x1410, type: smpp.types.tlv.buffer, multiple: true });

const name = role === 'smsc' ? args[0] : role;
const answers = {};
let last = 0;
let delay = 0;
let session;

const plain = (v) => {
  if (Buffer.isBuffer(v)) return v.toString('hex');
  if (Array.isArray(v)) return v.map(plain);
  return v;
};

// content is a message's text, decoded by node-smpp, and its header's elements.
function content(pdu) {
  const c = pdu.message_payload || pdu.short_message || {};
  if (Buffer.isBuffer(c)) return { text: smpp.encodings[alphabet].decode(c), udh: [] }; // replace_sm has no coding
  const text = Buffer.isBuffer(c.message) ? c.message.toString('hex') : c.message;
  return { text, udh: (c.udh || []).map((e) => e.toString('hex')) };
}

function describe(pdu) {
  const fields = {};
  for (const key of Object.keys(pdu)) {
    if (!['command', 'short_message', 'message_payload'].includes(key)) fields[key] = plain(pdu[key]);
  }
  return Object.assign({
    event: 'pdu', command: pdu.command, status: pdu.command_status, id: pdu.message_id, from: pdu.source_addr,
    to: pdu.destination_addr, coding: pdu.data_coding, whole: Boolean(pdu.message_payload), fields,
  }, content(pdu));
}

function respond(pdu) {
  const fields = Object.assign({}, answers[pdu.command]);
  if (pdu.command.startsWith('bind_')) fields.system_id = name;
  if (pdu.command === 'submit_sm' && !fields.command_status) fields.message_id = '0' + name.toUpperCase() + (++last);
  if (pdu.command === 'query_sm') fields.message_id = pdu.message_id;
  setTimeout(() => session.send(pdu.response(fields)), delay);
  return fields.message_id;
}

function serve(s) {
  session = s;
  s.on('error', () => {});
  s.on('close', () => emit({ event: 'closed' }));
  s.on('pdu', (pdu) => {
    const event = describe(pdu);
    if (!pdu.isResponse() && pdu.command !== 'alert_notification' && pdu.command !== 'unknown') event.id = respond(pdu) || event.id;
    emit(event);
  });
}

if (role === 'smsc') {
  const server = smpp.createServer(serve);
  server.listen(0, '127.0.0.1', () => emit({ event: 'listening', port: server.address().port }));
} else {
  const [port, id, password] = args;
  const s = smpp.connect({ host: '127.0.0.1', port: Number(port) });
  serve(s);
  s.on('connect', () => {
    if (role === 'outbind') s.outbind({ system_id: id, password });
    else s.bind_transceiver({ system_id: id, password, interface_version: 0x34 });
  });
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  Object.assign(answers, command.answer);
  if ('delay' in command) delay = command.delay;
  if (command.send) {
    const f = command.fields;
    for (const key of ['its_session_info', 'vendor', 'callback_num']) {
      if (Array.isArray(f[key])) f[key] = f[key].map((v) => Buffer.from(v, 'hex'));
      else if (f[key]) f[key] = Buffer.from(f[key], 'hex');
    }
    if (f.national) { // node-smpp would say coding 1
      f.short_message = Buffer.concat([Buffer.from(f.udh, 'hex'), smpp.gsmCoder.encode(f.short_message, f.national)]);
      f.esm_class = 0x40;
      delete f.udh;
    }
    delete f.national;
    for (const key of ['short_message', 'message_payload']) {
      if (f.udh && f[key]) f[key] = { udh: Buffer.from(f.udh, 'hex'), message: f[key] };
    }
    delete f.udh;
    session[command.send](f, (pdu) => emit(Object.assign(describe(pdu), { event: 'answer', tag: command.tag })));
  }
  emit({ event: 'done' });
}).on('close', () => process.exit(0));
