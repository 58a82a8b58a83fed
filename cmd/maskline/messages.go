package main

import "maskline/routing"

// toSIP hands messages to the SIP side, which is made after that of SMPP.
type toSIP struct{ edge *edge }

// Deliver is routing.Messenger's.
func (s toSIP) Deliver(m *routing.Message, done func(routing.Delivery)) { s.edge.sip.Deliver(m, done) }
