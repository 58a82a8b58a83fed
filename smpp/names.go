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

// commandCount is the number of indices of commands.
const commandCount = 19

// commandIndex is a command's index; 0 stands for all that are not named.
func commandIndex(c pdu.Command) int {
	var i int
	switch c.Request() {
	case pdu.BindReceiver:
		i = 1
	case pdu.BindTransmitter:
		i = 2
	case pdu.BindTransceiver:
		i = 3
	case pdu.SubmitSM:
		i = 4
	case pdu.DeliverSM:
		i = 5
	case pdu.DataSM:
		i = 6
	case pdu.Unbind:
		i = 7
	case pdu.EnquireLink:
		i = 8
	case pdu.AlertNotification:
		return 18
	default:
		if c == pdu.GenericNack {
			return 17
		}
		return 0
	}
	if c.IsResponse() {
		i += 8
	}
	return i
}

// commandName is the name of an index. SMPP 3.4 §5.1.2.1
func commandName(index int) string {
	return [commandCount]string{
		"other", "bind_receiver", "bind_transmitter", "bind_transceiver", "submit_sm", "deliver_sm", "data_sm",
		"unbind", "enquire_link", "bind_receiver_resp", "bind_transmitter_resp", "bind_transceiver_resp",
		"submit_sm_resp", "deliver_sm_resp", "data_sm_resp", "unbind_resp", "enquire_link_resp", "generic_nack",
		"alert_notification",
	}[index]
}
