package pdu

// Command is a command_id. SMPP 3.4 §5.1.2.1
type Command uint32

// The commands of SMPP 3.4. A request's response has the top bit set.
const (
	BindReceiver      Command = 0x00000001
	BindTransmitter   Command = 0x00000002
	QuerySM           Command = 0x00000003
	SubmitSM          Command = 0x00000004
	DeliverSM         Command = 0x00000005
	Unbind            Command = 0x00000006
	ReplaceSM         Command = 0x00000007
	CancelSM          Command = 0x00000008
	BindTransceiver   Command = 0x00000009
	Outbind           Command = 0x0000000B
	EnquireLink       Command = 0x00000015
	SubmitMulti       Command = 0x00000021
	AlertNotification Command = 0x00000102
	DataSM            Command = 0x00000103

	// Those of SMPP 5.0, to be named and refused. SMPP 5.0 §4.7.5
	BroadcastSM       Command = 0x00000111
	QueryBroadcastSM  Command = 0x00000112
	CancelBroadcastSM Command = 0x00000113

	GenericNack         Command = responseBit
	BindReceiverResp            = BindReceiver | responseBit
	BindTransmitterResp         = BindTransmitter | responseBit
	QuerySMResp                 = QuerySM | responseBit
	SubmitSMResp                = SubmitSM | responseBit
	DeliverSMResp               = DeliverSM | responseBit
	UnbindResp                  = Unbind | responseBit
	ReplaceSMResp               = ReplaceSM | responseBit
	CancelSMResp                = CancelSM | responseBit
	BindTransceiverResp         = BindTransceiver | responseBit
	EnquireLinkResp             = EnquireLink | responseBit
	SubmitMultiResp             = SubmitMulti | responseBit
	DataSMResp                  = DataSM | responseBit
)

const responseBit Command = 0x80000000

// Response is the command_id of the response to c.
func (c Command) Response() Command { return c | responseBit }

// IsResponse reports whether c answers a request; generic_nack does.
func (c Command) IsResponse() bool { return c&responseBit != 0 }

// Request is the command_id that c responds to; of a request, itself.
func (c Command) Request() Command { return c &^ responseBit }

// IsBind reports whether c is one of the three bind requests.
func (c Command) IsBind() bool {
	return c == BindReceiver || c == BindTransmitter || c == BindTransceiver
}
