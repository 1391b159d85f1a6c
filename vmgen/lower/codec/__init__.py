"""The statements of every codec: runs of fixed fields, and fields one by one."""

from vmgen.lower.codec.body import Body as Body
from vmgen.lower.codec.fixed import FixedFields as FixedFields
from vmgen.lower.codec.frame import Frame as Frame
from vmgen.lower.codec.phrases import c_name as c_name
from vmgen.lower.codec.phrases import chained as chained
from vmgen.lower.codec.run import SUFFIX as SUFFIX
from vmgen.lower.codec.run import FixedRun as FixedRun
from vmgen.lower.codec.run import Runs as Runs
from vmgen.lower.codec.zeros import default as default
