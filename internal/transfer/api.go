package transfer

import (
	"sede/internal/hydra"
	"sede/internal/throttle"
)

// operations hand out archives of organizations.
func (s *Service) operations() []hydra.Operation {
	return []hydra.Operation{
		hydra.Stream[hydra.None]{Path: "/organizations/{id}/archive", Access: mayTake, Class: throttle.Heavy, Media: []string{media}, Do: s.Organization,
			Doc: "Sends everything of the organization as one signed ZIP file, to its owner: a file of JSON lines for each table, and images."},
		hydra.Stream[hydra.None]{Path: "/users/me/archive", Access: mayTake, Class: throttle.Heavy, Media: []string{media}, Do: s.Person,
			Doc: "Sends everything that is the caller's own as one signed ZIP file: their account, memberships, keys, meetings, and what they did."},
	}
}
