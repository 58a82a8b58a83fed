package rest

import "github.com/danielgtaylor/huma/v2"

// standard takes out of a document what is the framework's own and no OpenAPI: the
// readers of others complain of it. The messages that it is for are made already.
func standard(doc *huma.OpenAPI) {
	for _, schema := range doc.Components.Schemas.Map() {
		standardSchema(schema)
	}
	for _, path := range doc.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post, path.Delete, path.Patch} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				standardSchema(p.Schema)
			}
		}
	}
}

func standardSchema(s *huma.Schema) {
	if s == nil {
		return
	}
	s.PatternDescription = ""
	standardSchema(s.Items)
	for _, inner := range s.Properties {
		standardSchema(inner)
	}
}
