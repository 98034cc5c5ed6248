
$
evt-1 ³í™Ç 4RzhangRzhang