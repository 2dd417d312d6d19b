"""Every configuration key that C-HOI adds to Detectron2's."""

from detectron2.config import CfgNode as CN


def add_choi_config(cfg: CN) -> None:
    """Add C-HOI's keys to a Detectron2 config, in place.

    Args:
        cfg: what ``detectron2.config.get_cfg()`` returned.
    """
    # Several data sets in DATASETS.TRAIN are joined by the names of their classes and verbs.
    # "same": all have the same names, in any order. "union": the model knows the names of all; what
    # a data set has no name for counts as absent in its images.
    cfg.DATASETS.VOCABULARY = "same"

    # Classes and verbs of the training set that the checkpoint in MODEL.WEIGHTS does not know:
    # "refuse", or "initialise" their rows and take the others by name. Detectors of Detectron2's
    # model zoo, which know COCO's classes and no verbs, are fitted in any case.
    cfg.MODEL.NEW_NAMES = "refuse"

    # Is there an interaction network R^t at every stage? False trains and runs the localization
    # networks alone: the paper's first training phase.
    cfg.MODEL.INTERACTION_ON = True

    # Training: leave the localization networks (backbone, RPN, every L^t and S^t) as the weights
    # have them, and train the networks R^t alone: several models then detect the same things
    # (Table 8), and an iteration costs less. The frozen part runs as at inference, without losses.
    cfg.MODEL.LOCALIZATION_FROZEN = False
    # A folder where the frozen localization's features and proposals of each image are kept, so
    # that an image that comes again costs no backbone and no RPN; "" keeps none. For small
    # pictures: 1 MB of 256 x 192 pixels and 64 channels, 90 MB of 1333 x 800 and 256. Of a
    # localization that is trained nothing is kept.
    cfg.MODEL.LOCALIZATION_CACHE = ""
    # So large the folder may become; what is computed then is not kept.
    cfg.MODEL.LOCALIZATION_CACHE_GB = 20.0

    # RoIAlign on a CPU: "matrix" (matrix products, several times as fast) or "torchvision"; the
    # same numbers. On a GPU it is always torchvision's.
    cfg.MODEL.POOLING = "matrix"

    # What is changed of a model that is trained, for prediction and evaluation; nothing by default.
    # configs/variants/fast.yaml sets these (`--fast`).
    cfg.MODEL.INFERENCE = CN()
    # At most so many of the RPN's boxes are looked at, and twice as many of each level before NMS;
    # 0: as many as RPN.POST_NMS_TOPK_TEST and PRE_NMS_TOPK_TEST say.
    cfg.MODEL.INFERENCE.MAX_PROPOSALS = 0
    # Fold batch normalization into the convolution before it: the same numbers, to rounding.
    cfg.MODEL.INFERENCE.FOLD_NORM = False
    # Keep images and weights with all channels of a pixel together.
    cfg.MODEL.INFERENCE.CHANNELS_LAST = False
    # Of convolutions and FC layers: "float32", "bfloat16" (by autocast), or "auto": bfloat16 where
    # the CPU or GPU multiplies it. Scores and boxes are float32.
    cfg.MODEL.INFERENCE.PRECISION = "float32"
    # Not of the backbone's, which stays in float32: set where a small one loses too much by less.
    cfg.MODEL.INFERENCE.FLOAT32_BACKBONE = False
    # Let torch.compile make one program of the backbone: some tens of seconds at the beginning, so
    # for large folders only. Where it fails, the backbone stays as it is.
    cfg.MODEL.INFERENCE.COMPILE = False

    # "build_torchvision_fpn_backbone" as MODEL.BACKBONE.NAME: a network of torchvision under FPN.
    cfg.MODEL.TORCHVISION = CN()
    # Its name, as torchvision.models.get_model has it: of a ResNet, RegNet, MobileNet,
    # EfficientNet, ConvNeXt or DenseNet. Its pretrained weights: MODEL.WEIGHTS
    # "torchvision://NAME".
    cfg.MODEL.TORCHVISION.NAME = "mobilenet_v2"
    # Its batch normalization: "FrozenBN", "BN" or "SyncBN".
    cfg.MODEL.TORCHVISION.NORM = "FrozenBN"
    # Feature maps by stride: "stem" (2), "res2" (4), "res3", "res4", "res5" (32).
    cfg.MODEL.TORCHVISION.OUT_FEATURES = ("res2", "res3", "res4", "res5")

    # Eq. 18, beta: the weight of each stage's localization loss; the first T are used.
    cfg.MODEL.ROI_BOX_CASCADE_HEAD.LOSS_WEIGHTS = (1.0, 0.5, 0.25, 0.125, 0.0625)

    # Inference: how the stages' outputs are merged (Sec. 3.5). "mean": the last stage's boxes with
    # the mean of all stages' scores, as Cascade R-CNN; "union": all stages' boxes, each with the
    # scores of its own stage.
    cfg.MODEL.ROI_BOX_CASCADE_HEAD.MERGE = "mean"

    # The weight of each stage's segmentation loss (Sec. 3.5); the first T are used.
    cfg.MODEL.ROI_MASK_HEAD.LOSS_WEIGHTS = (1.0, 0.5, 0.25, 0.125, 0.0625)
    # S^t of Eq. 17, one per stage, with Mask R-CNN's sizes.
    cfg.MODEL.ROI_MASK_HEAD.NAME = "CascadeMaskHead"
    cfg.MODEL.ROI_MASK_HEAD.NUM_CONV = 4
    cfg.MODEL.ROI_MASK_HEAD.POOLER_RESOLUTION = 14

    # Regions that are neither instance nor background: crowds, and instances whose certainty is
    # below INPUT.CERTAINTY_THRESH. A box on one that matches no instance is not background (RPN,
    # every stage), nor an end of a negative pair. It is on a crowd when this part of its own area
    # is in the crowd's box, on an uncertain instance from this IoU on. Above 1: never.
    cfg.MODEL.IGNORED = CN()
    cfg.MODEL.IGNORED.IOU = 0.3
    cfg.MODEL.IGNORED.CROWD_COVERAGE = 0.5
    # Detectron2's RPN, with the same parameters, that knows of ignored regions.
    cfg.MODEL.PROPOSAL_GENERATOR.NAME = "IgnoringRPN"

    # ---------------------------------------------------------------------- the networks R^t
    cfg.MODEL.ROI_INTERACTION_HEAD = CN()
    head = cfg.MODEL.ROI_INTERACTION_HEAD
    # The class in choi_d2's ROI_INTERACTION_HEAD_REGISTRY.
    head.NAME = "InteractionHead"
    # N: verbs of the data set.
    head.NUM_VERBS = 10
    # The (contiguous) class id of humans.
    head.HUMAN_CLASS = 0
    # Can a human be the object of another human's action? PIC and V-COCO: True; HOIW: False.
    head.HUMANS_AS_OBJECTS = False
    # Verbs that take no object (V-COCO: walk, stand, smile, run), as verb ids: a human is paired
    # with itself for them, and with others for all other verbs.
    head.OBJECTLESS_VERBS = ()
    # Eq. 18, gamma: the weight of each stage's ranking and classification loss; the first T are
    # used.
    head.LOSS_WEIGHTS = (1.0, 0.5, 0.25, 0.125, 0.0625)

    # Training: pairs sampled per image, and the largest share of positives among them (Sec. 4: at
    # most 128, 1 positive to 3 negatives).
    head.BATCH_SIZE_PER_IMAGE = 128
    head.POSITIVE_FRACTION = 0.25
    # Training: the annotated pairs themselves come first among the positives, then their other
    # views, as many of each annotated pair. False draws views with equal chances.
    head.SPREAD_POSITIVES = True
    # Training: are false detections ends of negative pairs (Sec. 3.3.2: all pairs of O x O)? They
    # are the boxes that match no instance and that inference would pair: the stage's best
    # foreground score at least SCORE_THRESH_TEST, NMS by ROI_HEADS.NMS_THRESH_TEST, at most
    # TEST.DETECTIONS_PER_IMAGE; with the class of that score. False: only boxes that match an
    # instance form pairs.
    head.UNMATCHED_NEGATIVES = True
    # Training: boxes with an IoU from here up to the stage's threshold are neither right nor wrong,
    # and form no pair. 1: every box that matches no instance is wrong.
    head.IGNORE_IOU = 0.3
    # Inference: only detections with at least this score form pairs (Sec. 3.5).
    head.SCORE_THRESH_TEST = 0.3
    # Inference: which scores are multiplied into a triplet's score. Any of "human", "object",
    # "verb", "rank".
    head.TRIPLET_SCORE = ("human", "object", "verb")
    # Inference: pairs that are ranked at once. Smaller takes less memory; the numbers are the same.
    head.PAIRS_PER_CHUNK = 256

    # RoIAlign of H, O, U and F (Eq. 3): the S x S of a region, as ROI_BOX_HEAD has it.
    head.POOLER_RESOLUTION = 7
    head.POOLER_SAMPLING_RATIO = 0
    head.POOLER_TYPE = "ROIAlignV2"
    # Relation segmentation: are regions boxes, pixels, or both (Table 8)? "bbox", "mask", "max",
    # "sum". Other than "bbox" needs MODEL.MASK_ON.
    head.REPRESENTATION = "bbox"

    # X_g: side of the two-channel map, channels of its two convolutions, length of X_g.
    head.GEOMETRIC = CN()
    head.GEOMETRIC.RESOLUTION = 64
    head.GEOMETRIC.CONV_DIMS = (64, 32)
    head.GEOMETRIC.DIM = 256

    # X_v: width of the two FC layers of Eq. 11.
    head.VISUAL = CN()
    head.VISUAL.DIM = 1024
    # Eq. 11's second term: add the same pair's visual feature of the stage before.
    head.VISUAL.PREVIOUS_STAGE = True

    # Implicit human semantic mining (Eqs. 5-7).
    head.IHSM = CN()
    head.IHSM.ENABLED = True
    # What stands in the exponent of Eq. 5. "dot": h_i . h_j, the paper's; "scaled": that divided by
    # sqrt(C), as attention layers do; "cosine": the cosine of both, times a factor that is learnt.
    head.IHSM.SIMILARITY = "dot"

    # Explicit facial region attending (Eqs. 8-10).
    head.EFRA = CN()
    head.EFRA.ENABLED = True
    # Width of the hidden FC layer of Eqs. 8 and 9.
    head.EFRA.DIM = 256
    # What the attentions see. "none": regions as they are pooled, the paper's; "rms": each region
    # divided by the root of its mean square, for backbones whose features are of any size.
    head.EFRA.INPUT_NORM = "none"
    # About what both attention scores are before training.
    head.EFRA.INITIAL_SCORE = 0.5

    # Relation ranking module (Eqs. 12-14).
    head.RRM = CN()
    head.RRM.ENABLED = True
    # Eq. 14's epsilon.
    head.RRM.MARGIN = 0.2
    # Eq. 14 over the (annotated, un-annotated) pairs of an image: "mean", or the paper's "sum".
    head.RRM.REDUCTION = "mean"
    head.RRM.LOSS_WEIGHT = 1.0
    # Inference: pairs that go on to classification (Sec. 3.5).
    head.RRM.TOPK = 64

    # Relation classification module (Eqs. 15-16).
    head.RCM = CN()
    # The streams in use. Any of "semantic", "geometric", "visual". X_g and X-bar_v of streams that
    # are not in use are not computed, and RRM ranks without them, by X_s if neither is there.
    head.RCM.STREAMS = ("semantic", "geometric", "visual")
    # How the streams' scores become one (Table 7): "(v+g)*s" is Eq. 16; "v+g+s"; "v*g*s". A stream
    # that is not in use is left out of the formula.
    head.RCM.FUSION = "(v+g)*s"
    head.RCM.LOSS_WEIGHT = 1.0

    # --------------------------------------------------------------------------- annotations
    # Training: an instance whose annotation has a lower certainty ("certainty" in [0, 1], 1 where
    # it is not said: boxes that a machine made) is ignored, see MODEL.IGNORED.
    cfg.INPUT.CERTAINTY_THRESH = 0.5

    # ---------------------------------------------------------------- other detectors' boxes
    cfg.INPUT.DETECTIONS = CN()
    # Training: boxes that a detector found in the images of a training set, which stand beside its
    # annotated ones with their score as certainty (see CERTAINTY_THRESH); those that show an
    # annotated instance of their class are left out. COCO results JSONs, as a list of "name=path".
    cfg.INPUT.DETECTIONS.FILES = ()
    # What the category ids (and image ids) of results files are of, where these do not say it
    # themselves and they are not the data set's own: "coco" for COCO's 80 categories, or a COCO
    # JSON with "categories" and perhaps "images".
    cfg.INPUT.DETECTIONS.NAMES = ""

    # ---------------------------------------------------------------------------------- faces
    cfg.INPUT.FACES = CN()
    # Training and evaluation: where an image's faces come from. "annotations": the data set's own;
    # "file": a JSON of `choi faces`, one for each data set, see FILES; "none".
    cfg.INPUT.FACES.SOURCE = "annotations"
    # data set name -> JSON of its faces, as a list of "name=path".
    cfg.INPUT.FACES.FILES = ()
    # Photos (demo, predictor): "insightface", "yunet", "centerface", "haar", "file", "none"; "auto"
    # takes the one whose model MODEL_FILE is, or else the first of the others that is there.
    cfg.INPUT.FACES.DETECTOR = "auto"
    # insightface, yunet, centerface: the detection model as a local ONNX file. "": yunet and
    # centerface look where docs/faces.md says.
    cfg.INPUT.FACES.MODEL_FILE = ""
    # Faces with a lower score are not used. Negative: the detector's own threshold, 0.7 for yunet
    # and 0.5 for the others and for files (docs/faces.md).
    cfg.INPUT.FACES.SCORE_THRESH = -1.0

    # ------------------------------------------------------------------------------- training
    # "SGD" (the paper's) or "AdamW" (the slim from-scratch configs).
    cfg.SOLVER.OPTIMIZER = "SGD"
    # The learning rate of the attentions of Eqs. 8 and 9 is that of all else times this. AdamW
    # moves every weight by about the learning rate, so what their first layers give moves with the
    # number of their inputs, thousands, and their sigmoids are soon at 0 or 1. With SGD: 1.
    cfg.SOLVER.ATTENTION_LR_FACTOR = 1.0
    # The learning rate of the pretrained network under FPN is that of all else times this. At
    # AdamW's rate for what begins at random, its last stage can die: batch normalization is frozen,
    # all of ReLU6 ends at 0 or 6. With SGD: 1.
    cfg.SOLVER.BACKBONE_LR_FACTOR = 1.0
    # How many of the checkpoints of every SOLVER.CHECKPOINT_PERIOD iterations stay, the latest
    # ones: at least 2; 0 for all. model_final.pth and model_best.pth always stay.
    cfg.SOLVER.KEEP_CHECKPOINTS = 3
    # Do predictions have the smallest boxes around their masks instead of the detected ones? The
    # paper's V-COCO from masks (Sec. 4.2). Needs MODEL.MASK_ON.
    cfg.TEST.BOXES_FROM_MASKS = False
    # Evaluation: whose detections the interaction networks see. "": the model's own;
    # "ground-truth": the annotated boxes, with score 1; or another detector's: the path of a COCO
    # results JSON (docs/evaluation.md). With several test sets "{dataset}" in it stands for the
    # data set's name.
    cfg.TEST.DETECTIONS = ""
    # Evaluation: verbs by p(verb | object class) as counted on the training set, in the place of
    # the model's: what the same pairs give without looking.
    cfg.TEST.VERBS_BY_CLASS = False
    # Test-time augmentation, where TEST.AUG.ENABLED or --augment asks for it: the views are so many
    # times as large as the model's image, and mirrored, too, with TEST.AUG.FLIP. Detectron2's
    # MIN_SIZES and MAX_SIZE take their place where MIN_SIZES is not its default, which is for
    # images of 800 pixels.
    cfg.TEST.AUG.SCALES = (0.8, 1.0, 1.2)
    # Prediction: triplets with a lower score are not told, unless somebody asks for them. Metrics
    # look at all.
    cfg.TEST.TRIPLET_SCORE_THRESH = 0.15
    # Which weights are kept as model_best.pth, where TEST.EVAL_PERIOD is set: those with the
    # highest value of this metric, as TensorBoard names it ("hoi/mAP_rel", "bbox/AP50", ...; of
    # several test sets "hoiw_val/hoi/mAP_rel"). "": that of the first test set's task: hoi/mAP_rel
    # (HOIW, own data sets), hoi/R@100 (PIC), hoi/AP_role_S1 (V-COCO); bbox/AP without interaction
    # networks.
    cfg.TEST.BEST_METRIC = ""
