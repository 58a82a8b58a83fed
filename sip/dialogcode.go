package sip

// inDialogAnswer maps one side's refusal of a request inside its dialog to what the
// other side is told. Only codes that leave a dialog standing are passed: many
// others would make the asker drop the call. RFC 5057 §5.1.
func inDialogAnswer(code int) int {
	switch code {
	case 403, 413, 486, 487, 488, 491, 500, 504, 513, 580, 600, 603:
		return code
	case 406, 415, 606:
		return 488
	case 408:
		return 504
	default:
		return 500
	}
}
