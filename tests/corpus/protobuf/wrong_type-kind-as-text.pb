

evt-1payment ³í™Ç 4