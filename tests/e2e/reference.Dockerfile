# benchmarks/reference.py as a Lambda function, for what tests/e2e/test_init.py compares with ours.
#
# Built in benchmarks/ and on the compile stage of functions/Dockerfile, which holds TensorFlow and the web framework.
ARG COMPILE_STAGE
FROM ${COMPILE_STAGE}
WORKDIR /var/task
COPY *.py benchmarks/
# Our image has its bytecode, and a file system that is read-only cannot get it later.
RUN python3 -m compileall -q -j 0 /opt/tensorflow /src/layers benchmarks \
    && chmod -R a+rX /src/layers benchmarks
ENV PYTHONPATH=/opt/tensorflow:/src/layers/inference/python:/src/layers/model OPENBLAS_NUM_THREADS=1
CMD ["benchmarks.reference.handler"]
