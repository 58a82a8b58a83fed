package pdu

import (
	"encoding/binary"
	"strconv"
	"time"
)

// AppendText appends the text form. "text:" stays empty: what was written is
// nobody's business here. Times are given in UTC.
func (r *Receipt) AppendText(dst []byte, submitted time.Time) []byte {
	delivered := "000"
	if r.State == Delivered {
		delivered = "001"
	}
	dst = append(append(dst, "id:"...), r.MessageID...)
	dst = append(append(dst, " sub:001 dlvrd:"...), delivered...)
	dst = appendDate(append(dst, " submit date:"...), submitted)
	dst = appendDate(append(dst, " done date:"...), r.Done)
	dst = append(append(dst, " stat:"...), stateWord(r.State)...)
	dst = r.appendError(append(dst, " err:"...))
	return append(dst, " text:"...)
}

func (r *Receipt) appendError(dst []byte) []byte {
	if len(r.ErrorWord) > 0 {
		return append(dst, r.ErrorWord...)
	}
	for limit := uint16(100); limit > 1 && r.ErrorCode < limit; limit /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, uint64(r.ErrorCode), 10)
}

func appendDate(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "0601021504")
}

// AppendTLVs appends the parameters of a receipt.
// SMPP 3.4 §5.3.2.12, §5.3.2.35, §5.3.2.31
func (r *Receipt) AppendTLVs(dst TLVs) TLVs {
	dst = binary.BigEndian.AppendUint16(dst, uint16(TagReceiptedMessageID))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.MessageID)+1))
	dst = append(append(dst, r.MessageID...), 0)
	dst = AppendTLV(dst, TagMessageState, []byte{byte(r.State)})
	if r.NetworkType != 0 {
		dst = AppendTLV(dst, TagNetworkErrorCode, []byte{r.NetworkType, byte(r.ErrorCode >> 8), byte(r.ErrorCode)})
	}
	return dst
}

// ESMClass is the esm_class of a deliver_sm that carries the receipt.
func (r *Receipt) ESMClass() byte {
	if r.State.Final() {
		return ESMReceipt
	}
	return ESMIntermediate
}
