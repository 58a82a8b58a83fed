package sip

type trunkMetrics struct{}
