package smpp

import (
	"strings"

	gosmpp "github.com/fiorix/go-smpp/v2/smpp/pdu"

	"maskline/smpp/pdu"
)

// names gives commands and statuses the small indices and the names that
// metrics use. Statuses carry go-smpp's texts.
type names struct {
	statuses    []string
	statusIndex [maxNamedStatus + 1]uint8
}

const (
	maxNamedStatus = 0xFF
	otherStatus    = 0 // index of all statuses without a name
)

func newNames() *names {
	n := &names{statuses: []string{"other"}}
	for s := range gosmpp.Status(maxNamedStatus + 1) {
		text := s.Error()
		if strings.HasPrefix(text, "unknown status") {
			continue
		}
		n.statusIndex[s] = uint8(len(n.statuses))
		n.statuses = append(n.statuses, text)
	}
	return n
}

func (n *names) indexOfStatus(s pdu.Status) int {
	if s > maxNamedStatus {
		return otherStatus
	}
	return int(n.statusIndex[s])
}

func (n *names) status(s pdu.Status) string { return n.statuses[n.indexOfStatus(s)] }

// The indices of commands: 0 for all that have no name, then those without a
// response, then requests, each followed by its response.
const (
	commandOther = iota
	commandNack
	commandAlert
	commandOutbind
	commandFirst
	commandCount = commandFirst + 2*requestCount
)

const requestCount = 15

// commandIndex is a command's index.
func commandIndex(c pdu.Command) int {
	var i int
	switch c.Request() {
	case pdu.SubmitSM:
		i = 0
	case pdu.DeliverSM:
		i = 1
	case pdu.DataSM:
		i = 2
	case pdu.EnquireLink:
		i = 3
	case pdu.BindReceiver:
		i = 4
	case pdu.BindTransmitter:
		i = 5
	case pdu.BindTransceiver:
		i = 6
	case pdu.Unbind:
		i = 7
	case pdu.QuerySM:
		i = 8
	case pdu.CancelSM:
		i = 9
	case pdu.ReplaceSM:
		i = 10
	case pdu.SubmitMulti:
		i = 11
	case pdu.BroadcastSM:
		i = 12
	case pdu.QueryBroadcastSM:
		i = 13
	case pdu.CancelBroadcastSM:
		i = 14
	default:
		return unansweredIndex(c)
	}
	i = commandFirst + 2*i
	if c.IsResponse() {
		i++
	}
	return i
}

// unansweredIndex is the index of a command that has no response.
func unansweredIndex(c pdu.Command) int {
	switch c {
	case pdu.GenericNack:
		return commandNack
	case pdu.AlertNotification:
		return commandAlert
	case pdu.Outbind:
		return commandOutbind
	default:
		return commandOther
	}
}

// commandName is the name of an index. SMPP 3.4 §5.1.2.1, SMPP 5.0 §4.7.5
func commandName(index int) string {
	if index < commandFirst {
		return [commandFirst]string{"other", "generic_nack", "alert_notification", "outbind"}[index]
	}
	index -= commandFirst
	name := [requestCount]string{
		"submit_sm", "deliver_sm", "data_sm", "enquire_link", "bind_receiver", "bind_transmitter", "bind_transceiver", "unbind",
		"query_sm", "cancel_sm", "replace_sm", "submit_multi", "broadcast_sm", "query_broadcast_sm", "cancel_broadcast_sm",
	}[index/2]
	if index%2 == 1 {
		name += "_resp"
	}
	return name
}
