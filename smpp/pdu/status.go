package pdu

// Status is a command_status. SMPP 3.4 §5.1.3
type Status uint32

// The statuses of SMPP 3.4; R… stands for ESME_R….
const (
	ROK              Status = 0x00
	RInvMsgLen       Status = 0x01
	RInvCmdLen       Status = 0x02
	RInvCmdID        Status = 0x03
	RInvBndSts       Status = 0x04
	RAlyBnd          Status = 0x05
	RInvPrtFlg       Status = 0x06
	RInvRegDlvFlg    Status = 0x07
	RSysErr          Status = 0x08
	RInvSrcAdr       Status = 0x0A
	RInvDstAdr       Status = 0x0B
	RInvMsgID        Status = 0x0C
	RBindFail        Status = 0x0D
	RInvPaswd        Status = 0x0E
	RInvSysID        Status = 0x0F
	RCancelFail      Status = 0x11
	RReplaceFail     Status = 0x13
	RMsgQFul         Status = 0x14
	RInvSerTyp       Status = 0x15
	RInvNumDests     Status = 0x33
	RInvDLName       Status = 0x34
	RInvDestFlag     Status = 0x40
	RInvSubRep       Status = 0x42
	RInvEsmClass     Status = 0x43
	RCntSubDL        Status = 0x44
	RSubmitFail      Status = 0x45
	RInvSrcTON       Status = 0x48
	RInvSrcNPI       Status = 0x49
	RInvDstTON       Status = 0x50
	RInvDstNPI       Status = 0x51
	RInvSysTyp       Status = 0x53
	RInvRepFlag      Status = 0x54
	RInvNumMsgs      Status = 0x55
	RThrottled       Status = 0x58
	RInvSched        Status = 0x61
	RInvExpiry       Status = 0x62
	RInvDftMsgID     Status = 0x63
	RxTAppn          Status = 0x64 // temporary fault of the receiving ESME
	RxPAppn          Status = 0x65 // permanent fault of the receiving ESME
	RxRAppn          Status = 0x66 // the receiving ESME refuses the message
	RQueryFail       Status = 0x67
	RInvOptParStream Status = 0xC0
	ROptParNotAllwd  Status = 0xC1
	RInvParLen       Status = 0xC2
	RMissingOptParam Status = 0xC3
	RInvOptParamVal  Status = 0xC4
	RDeliveryFailure Status = 0xFE
	RUnknownErr      Status = 0xFF
	RVendorFirst     Status = 0x400 // first of the SMSC vendors' own
	RVendorLast      Status = 0x4FF // last of them
)
