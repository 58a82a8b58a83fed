// An SMSC made of node-smpp. It prints one JSON event a line, and takes one JSON
// command a line:
//   {"mode": "accept" | "throttle" | "swallow" | "silent"}
//   {"close": true}                          ends every connection
//   {"deliver": {pdu fields}, "tag": "..."}  sends a deliver_sm
'use strict';
const smpp = require('smpp');
const readline = require('readline');

const emit = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const name = process.argv[2];
let mode = 'accept';
let last = 0;
const sessions = new Set();

function text(pdu) {
  const m = pdu.short_message.message;
  return Buffer.isBuffer(m) ? m.toString('latin1') : m;
}

function describe(pdu) {
  return {
    from: pdu.source_addr, to: pdu.destination_addr, text: text(pdu), coding: pdu.data_coding,
    esm: pdu.esm_class, registered: pdu.registered_delivery,
    udh: (pdu.short_message.udh || []).map((e) => e.toString('hex')),
  };
}

function receipt(session, pdu, id) {
  const done = new Date().toISOString().replace(/[-:T]/g, '').slice(2, 12);
  session.deliver_sm({
    source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr,
    dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message: `id:${id.toLowerCase()} sub:001 dlvrd:001 submit date:${done} done date:${done} stat:DELIVRD err:000 text:secret`,
    receipted_message_id: id, message_state: 2,
  }, (resp) => emit({ event: 'receipt_resp', status: resp.command_status }));
}

function submit(session, pdu) {
  const event = Object.assign({ event: 'submit', mode }, describe(pdu));
  if (mode === 'swallow' || mode === 'silent') {
    emit(event);
    return;
  }
  if (mode === 'throttle') {
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    emit(event);
    return;
  }
  event.id = '0' + name.toUpperCase() + (++last).toString(16).toUpperCase();
  session.send(pdu.response({ message_id: event.id }));
  emit(event);
  if (pdu.registered_delivery & 1) receipt(session, pdu, event.id);
}

const server = smpp.createServer((session) => {
  sessions.add(session);
  session.on('error', () => {});
  session.on('close', () => { sessions.delete(session); emit({ event: 'closed' }); });
  session.on('pdu', (pdu) => {
    if (pdu.command === 'submit_sm') submit(session, pdu);
    if (mode === 'silent') return;
    switch (pdu.command) {
      case 'bind_transceiver':
        session.send(pdu.response({ system_id: name }));
        emit({ event: 'bound', from: pdu.system_id });
        break;
      case 'enquire_link':
      case 'unbind':
        session.send(pdu.response());
        break;
    }
  });
});
server.listen(0, '127.0.0.1', () => emit({ event: 'listening', port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.mode) mode = command.mode;
  if (command.close) sessions.forEach((s) => s.destroy());
  if (command.deliver) {
    const d = command.deliver;
    if (d.udh) {
      d.esm_class = 0x40;
      d.short_message = { udh: Buffer.from(d.udh, 'hex'), message: d.short_message };
      delete d.udh;
    }
    for (const s of sessions) {
      s.deliver_sm(d, (resp) => emit({ event: 'deliver_resp', tag: command.tag, status: resp.command_status }));
      break;
    }
  }
  emit({ event: 'done', tag: JSON.stringify(command).slice(0, 20) });
}).on('close', () => process.exit(0));
