// node-smpp over TLS. As "server" it accepts binds and messages and prints each;
// as "client" it binds, submits one message and prints the two statuses.
//   node tls.js server KEY CERT CA
//   node tls.js client PORT CA KEY CERT FROM TO     (KEY and CERT may be "-")
'use strict';
const fs = require('fs');
const smpp = require('smpp');

const emit = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const read = (file) => (file && file !== '-' ? fs.readFileSync(file) : undefined);
const args = process.argv.slice(3);

if (process.argv[2] === 'server') {
  const options = { key: read(args[0]), cert: read(args[1]), ca: read(args[2]), requestCert: true, rejectUnauthorized: true };
  const server = smpp.createServer(options, (session) => {
    session.on('error', () => {});
    session.on('pdu', (pdu) => {
      if (pdu.command === 'bind_transceiver') {
        session.send(pdu.response({ system_id: 'node' }));
        emit({ event: 'bound', from: pdu.system_id });
      } else if (pdu.command === 'submit_sm') {
        session.send(pdu.response({ message_id: '1' }));
        emit({ event: 'submit', from: pdu.source_addr, to: pdu.destination_addr });
      } else if (pdu.command === 'enquire_link' || pdu.command === 'unbind') {
        session.send(pdu.response());
      }
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1', () => emit({ event: 'listening', port: server.address().port }));
  process.stdin.resume().on('end', () => process.exit(0));
} else {
  const [port, ca, key, cert, from, to] = args;
  const session = smpp.connect({
    host: '127.0.0.1', port: Number(port), tls: true, servername: 'edge.example', ca: read(ca), key: read(key), cert: read(cert),
  }, () => {
    session.bind_transceiver({ system_id: 'shop', password: 'sesame' }, (bind) => {
      emit({ event: 'bind_resp', status: bind.command_status });
      session.submit_sm({ source_addr: from, destination_addr: to, short_message: 'over TLS' }, (resp) => {
        emit({ event: 'submit_resp', status: resp.command_status });
        session.unbind(() => session.close(() => process.exit(0)));
      });
    });
  });
  session.on('error', () => { emit({ event: 'error' }); process.exit(1); });
}
